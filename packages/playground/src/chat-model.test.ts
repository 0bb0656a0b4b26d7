import { BedrockModel } from '@strands-agents/sdk'
import { expect, test } from 'vitest'
import { chatModel } from './chat-model.ts'
import { OfflineModel } from './offline-model.ts'

const ACCESS = { region: async () => 'eu-west-1', credentials: async () => ({}) }
const missing = async (): Promise<never> => {
  throw new Error('none')
}

test('is offline unless a model is named, and then asks AWS for nothing', async () => {
  expect(await chatModel(undefined, { region: missing, credentials: missing })).toBeInstanceOf(OfflineModel)
})

test('is the Bedrock model that is named', async () => {
  const model = await chatModel('some.model-v1', ACCESS)
  expect(model).toBeInstanceOf(BedrockModel)
  expect(model.modelId).toBe('some.model-v1')
})

test('says what to set up when the region or the credentials are missing', async () => {
  await expect(chatModel('m', { ...ACCESS, region: missing })).rejects.toThrow(/--region.*AWS_REGION/)
  await expect(chatModel('m', { ...ACCESS, credentials: missing })).rejects.toThrow(/credentials.*AWS_PROFILE.*offline/)
})
