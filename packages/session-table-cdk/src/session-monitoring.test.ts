import { App, Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { SessionTable, type SessionTableProps } from 'strands-session-dynamodb-cdk'
import { describe, expect, it } from 'vitest'

const ALARM = 'AWS::CloudWatch::Alarm'
const DASHBOARD = 'AWS::CloudWatch::Dashboard'

function synthesise(props: (stack: Stack) => SessionTableProps): Template {
  const stack = new Stack(new App(), 'TestStack')
  new SessionTable(stack, 'Sessions', props(stack))
  return Template.fromStack(stack)
}

describe('monitoring', () => {
  it('has an alarm for throttles, for faults and for what could not be reclaimed; no figures are no alarm', () => {
    const alarms = Object.values(synthesise(() => ({ offload: true })).findResources(ALARM))

    expect(alarms.map(({ Properties }) => [Properties.MetricName, Properties.TreatMissingData])).toEqual([
      ['ReadThrottleEvents', 'notBreaching'],
      ['WriteThrottleEvents', 'notBreaching'],
      ['SystemErrors', 'notBreaching'],
      ['SystemErrors', 'notBreaching'],
      ['ApproximateNumberOfMessagesVisible', 'notBreaching'],
    ])
    expect(alarms.map(({ Properties }) => Properties.AlarmActions)).toEqual(alarms.map(() => undefined))
  })

  it('reports to a topic when an alarm begins and when it ends', () => {
    const template = synthesise((stack) => ({ alarmTopic: new Topic(stack, 'Topic') }))
    const topic = [{ Ref: expect.stringMatching(/^Topic/) }]
    const alarms = Object.values(template.findResources(ALARM))

    expect(alarms).toHaveLength(4)
    for (const { Properties } of alarms) {
      expect(Properties).toMatchObject({ AlarmActions: topic, OKActions: topic })
    }
  })

  it('shows capacity, throttles, latency, faults and conflicts', () => {
    const dashboards = Object.values(synthesise(() => ({})).findResources(DASHBOARD))
    const body = JSON.stringify(dashboards.map(({ Properties }) => Properties.DashboardBody))

    expect(dashboards).toHaveLength(1)
    for (const metric of [
      'ConsumedReadCapacityUnits',
      'ConsumedWriteCapacityUnits',
      'ReadThrottleEvents',
      'WriteThrottleEvents',
      'SuccessfulRequestLatency',
      'SystemErrors',
      'ConditionalCheckFailedRequests',
      'TransactionConflict',
      'TimeToLiveDeletedItemCount',
    ]) {
      expect(body).toContain(metric)
    }
  })

  it('can be left out', () => {
    const template = synthesise(() => ({ alarms: false, dashboard: false }))

    template.resourceCountIs(ALARM, 0)
    template.resourceCountIs(DASHBOARD, 0)
  })
})
