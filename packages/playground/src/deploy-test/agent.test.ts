import { expect, test } from 'vitest'
import { emulatedUrl } from './agent.ts'

test('a Function URL is a path of the emulator', () => {
  const url = 'https://0a1b2c3d-0000-4000-8000-000000000000.lambda-url.us-east-1.on.aws/'

  expect(emulatedUrl('http://127.0.0.1:4566', url).href).toBe(
    'http://127.0.0.1:4566/_aws/lambda-url/0a1b2c3d-0000-4000-8000-000000000000/',
  )
})
