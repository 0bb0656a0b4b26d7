/** The stack: deployed by the CDK as people do it, and deleted through CloudFormation. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { type Signer, sendTo } from '../remote/signed-requests.ts'
import { type RunOptions, runProgram } from './run-program.ts'
import { CREDENTIALS, REGION, type Workplace } from './workplace.ts'

/** What a deployed stack has put out. */
export interface StackOutputs {
  readonly AgentUrl: string
  readonly TableName: string
}

/** Account and region, as `cdk bootstrap` takes them. */
const ENVIRONMENT = `aws://000000000000/${REGION}`

const STACK = 'StrandsSession'

/** A stack that leaves nothing behind, with an agent that needs no model. */
const TRIAL = ['-c', 'model=offline', '-c', 'ephemeral=true']

const PROJECT_ROOT = fileURLToPath(new URL('../../../../', import.meta.url))

/** Pause between two questions whether the stack is gone, in milliseconds. */
const POLL_INTERVAL_MS = 100

/** Longest wait for the stack to be gone, in milliseconds. */
const REMOVAL_TIMEOUT_MS = 30_000

/** Prepares the account for the CDK. */
export async function bootstrap(workplace: Workplace, endpoint: string): Promise<void> {
  // Away from the app, which would be synthesised for nothing.
  await runProgram('cdk', ['bootstrap', ENVIRONMENT], runOptions(workplace, endpoint, workplace.folder))
}

/** Deploys the whole stack as a trial. */
export async function deploy(workplace: Workplace, endpoint: string): Promise<StackOutputs> {
  const outputs = join(workplace.folder, 'outputs.json')
  const files = ['--output', join(workplace.folder, 'cdk.out'), '--outputs-file', outputs]
  const args = ['deploy', STACK, ...TRIAL, ...files, '--require-approval', 'never', '--progress', 'events']
  await runProgram('cdk', args, runOptions(workplace, endpoint, PROJECT_ROOT))
  return JSON.parse(readFileSync(outputs, 'utf8'))[STACK]
}

/** Deletes the stack and waits until it is gone. */
export async function removeStack(endpoint: string): Promise<void> {
  await askCloudFormation(endpoint, 'DeleteStack')
  const deadline = Date.now() + REMOVAL_TIMEOUT_MS
  while (Date.now() < deadline) {
    const { status, text } = await askCloudFormation(endpoint, 'DescribeStacks')
    if (status === 400 || text.includes('DELETE_COMPLETE')) return
    if (text.includes('DELETE_FAILED')) throw new Error(`The stack could not be deleted:\n${text}`)
    await sleep(POLL_INTERVAL_MS)
  }
  throw new Error(`The stack was not gone after ${REMOVAL_TIMEOUT_MS / 1000} seconds.`)
}

/** Signs requests to a service. */
export function signerFor(service: string): Signer {
  const { credentials, sha256 } = new DynamoDBClient({ region: REGION, credentials: CREDENTIALS }).config
  return { service, region: REGION, credentials, sha256 }
}

async function askCloudFormation(endpoint: string, action: string): Promise<{ status: number; text: string }> {
  const response = await sendTo(new URL(endpoint), signerFor('cloudformation'))('/', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ Action: action, StackName: STACK, Version: '2010-05-15' }).toString(),
  })
  const text = await response.text()
  const isGone = response.status === 400 && text.includes('does not exist')
  if (!response.ok && !isGone) throw new Error(`CloudFormation: ${action} failed with ${response.status}:\n${text}`)
  return { status: response.status, text }
}

function runOptions({ environment, signal }: Workplace, endpoint: string, cwd: string): RunOptions {
  return { cwd, env: { ...environment, AWS_ENDPOINT_URL: endpoint }, signal }
}
