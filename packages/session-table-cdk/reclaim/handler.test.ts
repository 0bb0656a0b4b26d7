import { DeleteObjectsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { mockClient } from 'aws-sdk-client-mock'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { handler, type Removal } from './handler.ts'

const REMOVED_AT = 1_700_000_000
const OLDER = new Date((REMOVED_AT - 1) * 1000)

const s3 = mockClient(S3Client)

beforeEach(() => {
  s3.reset()
  s3.on(DeleteObjectsCommand).resolves({})
  vi.stubEnv('TABLE_NAME', 'sessions')
  vi.stubEnv('BUCKET', 'values')
  vi.stubEnv('PREFIX', 'agents/')
  vi.spyOn(console, 'info').mockReturnValue()
  vi.spyOn(console, 'error').mockReturnValue()
  return () => {
    vi.unstubAllEnvs()
    vi.restoreAllMocks()
  }
})

function removalOf(session: string): Removal {
  return {
    dynamodb: {
      Keys: { pk: { S: `session#${session}` }, sk: { S: 'session' } },
      ApproximateCreationDateTime: REMOVED_AT,
      SequenceNumber: `sequence-${session}`,
    },
  }
}

/** The names that were to be deleted, request by request. */
function deletedNames(): unknown[] {
  return s3
    .commandCalls(DeleteObjectsCommand)
    .map(({ args: [{ input }] }) => input.Delete?.Objects?.map(({ Key }) => Key))
}

describe('the reclaim function', () => {
  it('deletes all objects of each session, page by page', async () => {
    s3.on(ListObjectsV2Command, { Prefix: 'agents/sessions/session%23a/' })
      .resolvesOnce({ Contents: [{ Key: 'a1', LastModified: OLDER }], NextContinuationToken: 'more' })
      .resolvesOnce({ Contents: [{ Key: 'a2', LastModified: OLDER }] })
    s3.on(ListObjectsV2Command, { Prefix: 'agents/sessions/session%23b/' }).resolves({
      Contents: [{ Key: 'b1', LastModified: OLDER }],
    })

    const result = await handler({ Records: [removalOf('a'), removalOf('b')] })

    expect(result).toEqual({ batchItemFailures: [] })
    expect(deletedNames()).toEqual([['a1'], ['a2'], ['b1']])
  })

  it('leaves the objects of a session that has begun anew under the same id', async () => {
    s3.on(ListObjectsV2Command).resolves({
      Contents: [
        { Key: 'old', LastModified: OLDER },
        { Key: 'new', LastModified: new Date(REMOVED_AT * 1000) },
      ],
    })

    await handler({ Records: [removalOf('a')] })

    expect(deletedNames()).toEqual([['old']])
  })

  it('sends no deletion for a session without objects', async () => {
    s3.on(ListObjectsV2Command).resolves({})

    expect(await handler({ Records: [removalOf('a')] })).toEqual({ batchItemFailures: [] })
    expect(deletedNames()).toEqual([])
  })

  it('has the batch sent again from the first session on that failed, and logs why', async () => {
    s3.on(ListObjectsV2Command).resolves({ Contents: [{ Key: 'x', LastModified: OLDER }] })
    s3.on(DeleteObjectsCommand)
      .resolvesOnce({})
      .resolvesOnce({ Errors: [{ Key: 'x', Code: 'AccessDenied' }] })

    const result = await handler({ Records: [removalOf('a'), removalOf('b'), removalOf('c')] })

    expect(result).toEqual({ batchItemFailures: [{ itemIdentifier: 'sequence-b' }] })
    expect(s3.commandCalls(ListObjectsV2Command)).toHaveLength(2)
    expect(vi.mocked(console.error)).toHaveBeenCalledExactlyOnceWith({
      message: 'not reclaimed',
      pk: 'session#b',
      error: expect.objectContaining({ name: 'OffloadError' }),
    })
  })

  it('deletes nothing when it does not know where', async () => {
    vi.stubEnv('TABLE_NAME', undefined)

    expect((await handler({ Records: [removalOf('a')] })).batchItemFailures).toHaveLength(1)
    expect(s3.calls()).toHaveLength(0)
  })
})
