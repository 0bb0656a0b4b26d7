import { describe, expect, test } from 'vitest'
import { errorOf } from '../test/support/mocked-client.ts'
import { checkSessionId } from './ids.ts'

describe('ids', () => {
  test.each([['a#AGENT#b'], ['a#msg#head'], ['..'], ['%23'], ['a/b'], ['A'], ['a b'], ['é'], ['a\n']])(
    '%j is no session id',
    (id) => {
      expect(errorOf(() => checkSessionId(id))).toMatchObject({
        message: `sessionId: expected 1 to 256 lowercase letters, digits, hyphens and underscores, got '${id}'`,
        field: 'sessionId',
        value: id,
      })
    },
  )
})
