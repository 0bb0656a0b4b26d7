import { App, type Environment, Stack } from 'aws-cdk-lib'
import { StreamViewType } from 'aws-cdk-lib/aws-dynamodb'
import { Key } from 'aws-cdk-lib/aws-kms'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { InvalidPropError, SessionTable, type SessionTableProps } from 'strands-session-dynamodb-cdk'
import { describe, expect, it } from 'vitest'

const env = { account: '123456789012', region: 'eu-central-1' }

/** The error for some props, as its message. */
function refusal(props: (stack: Stack) => SessionTableProps, environment: Environment = env): string {
  const stack = new Stack(new App(), 'TestStack', { env: environment })
  try {
    new SessionTable(stack, 'Sessions', props(stack))
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidPropError)
    return String(error)
  }
  return 'accepted'
}

describe('props', () => {
  it.each<[string, SessionTableProps]>([
    ["tableName: expected 3 to 255 letters, digits, hyphens, dots and underscores, got 'a/b'", { tableName: 'a/b' }],
    ['recoveryDays: expected a whole number from 1 to 35, got 36', { recoveryDays: 36 }],
    ["recoveryDays: expected none together with 'ephemeral', got 7", { recoveryDays: 7, ephemeral: true }],
    ['maxReadUnits: expected a whole number of at least 1, got 0', { maxReadUnits: 0 }],
    ['maxWriteUnits: expected a whole number of at least 1, got 1.5', { maxWriteUnits: 1.5 }],
    [
      'warmThroughput.readUnitsPerSecond: expected a whole number of at least 12000, got 100',
      { warmThroughput: { readUnitsPerSecond: 100 } },
    ],
    [
      'warmThroughput.writeUnitsPerSecond: expected a whole number of at least 4000, got 100',
      { warmThroughput: { writeUnitsPerSecond: 100 } },
    ],
    ["replicas.region: expected a region such as 'eu-west-1', got 'Ireland'", { replicas: [{ region: 'Ireland' }] }],
    [
      "replicas.region: expected each region once, and not the stack's own, got 'eu-central-1'",
      { replicas: [{ region: 'eu-central-1' }] },
    ],
    [
      "replicas.region: expected each region once, and not the stack's own, got 'eu-west-1'",
      { replicas: [{ region: 'eu-west-1' }, { region: 'eu-west-1' }] },
    ],
    [
      "replicas.encryptionKeyArn: expected none, since the table has no 'encryptionKey', got 'arn:x'",
      { replicas: [{ region: 'eu-west-1', encryptionKeyArn: 'arn:x' }] },
    ],
    [
      "stream: expected NEW_AND_OLD_IMAGES, which replicas need, got 'KEYS_ONLY'",
      { replicas: [{ region: 'eu-west-1' }], stream: StreamViewType.KEYS_ONLY },
    ],
    [
      "offload.prefix: expected at most 256 characters that end with a slash, such as 'sessions/', got 'a*/'",
      { offload: { prefix: 'a*/' } },
    ],
    [
      "offload.prefix: expected at most 256 characters that end with a slash, such as 'sessions/', got 'sessions'",
      { offload: { prefix: 'sessions' } },
    ],
    ['offload.recoverableDays: expected a whole number of at least 1, got 0', { offload: { recoverableDays: 0 } }],
  ])('%s', (message, props) => {
    expect(refusal(() => props)).toBe(`InvalidPropError: ${message}`)
  })

  it('that need a concrete region are refused without one', () => {
    const concrete = "expected a stack with a concrete environment, such as { env: { account, region: 'eu-west-1' } }"

    expect(refusal((stack) => ({ encryptionKey: new Key(stack, 'Key') }), {})).toBe(
      `InvalidPropError: encryptionKey: ${concrete}, got an object`,
    )
    expect(refusal(() => ({ replicas: [{ region: 'eu-west-1' }] }), {})).toBe(
      `InvalidPropError: replicas: ${concrete}, got an array`,
    )
  })

  it('that exclude each other are refused', () => {
    expect(refusal((stack) => ({ alarms: false, alarmTopic: new Topic(stack, 'Topic') }))).toContain(
      "alarmTopic: expected none without 'alarms'",
    )
    expect(
      refusal((stack) => ({
        offload: { bucket: Bucket.fromBucketName(stack, 'Bucket', 'values'), recoverableDays: 3 },
      })),
    ).toContain('offload.recoverableDays: expected none for a bucket of yours')
    expect(
      refusal((stack) => ({ encryptionKey: new Key(stack, 'Key'), replicas: [{ region: 'eu-west-1' }] })),
    ).toContain("replicas.encryptionKeyArn: expected a key of eu-west-1, since the table has an 'encryptionKey'")
  })

  it('of a table that exists already are checked too', () => {
    const stack = new Stack(new App(), 'TestStack')

    expect(() => SessionTable.fromTableName(stack, 'A', 'x')).toThrow(InvalidPropError)
    expect(() =>
      SessionTable.fromTableName(stack, 'B', 'sessions', {
        offload: { bucket: Bucket.fromBucketName(stack, 'Bucket', 'values'), prefix: '/' },
      }),
    ).toThrow(InvalidPropError)
  })
})
