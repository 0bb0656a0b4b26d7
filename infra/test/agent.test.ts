import { App, Stack } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { SessionTable } from 'strands-session-dynamodb-cdk'
import { describe, expect, it } from 'vitest'
import { offloadOf } from '../agent/clients.ts'
import { bundlingFor } from '../lib/agent/agent-code.ts'
import { HOSTS, type HostName } from '../lib/agent/hosts.ts'
import { checkModelId } from '../lib/agent/model-access.ts'
import { readChoice, readText } from '../lib/context.ts'
import { type SampleAgentProps, SessionStack } from '../lib/stack.ts'

function synthesise(agent: SampleAgentProps = {}): Template {
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } })
  return Template.fromStack(new SessionStack(app, 'TestStack', { agent }))
}

/** Actions and resources that policies allow, as texts. */
function allowed(template: Template): string[] {
  const policies = Object.values(template.findResources('AWS::IAM::Policy'))
  const statements = policies.flatMap((policy) => policy['Properties'].PolicyDocument.Statement)
  return statements.flatMap(({ Action, Resource }) =>
    [Action].flat().flatMap((action) => [Resource].flat().map((resource) => `${action} ${JSON.stringify(resource)}`)),
  )
}

describe('behind a Function URL', () => {
  const template = synthesise()

  it('runs on Node.js 24 and ARM, with a log of its own, traces and time for a turn', () => {
    template.hasResourceProperties('AWS::Lambda::Function', {
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      MemorySize: 1024,
      Timeout: 300,
      TracingConfig: { Mode: 'Active' },
      LoggingConfig: { LogFormat: 'JSON', LogGroup: { Ref: Match.stringLikeRegexp('Logs') } },
      Environment: {
        Variables: {
          STRANDS_SESSION_TABLE: { Ref: Match.stringLikeRegexp('SessionsTable') },
          MODEL_ID: 'global.anthropic.claude-sonnet-4-6',
        },
      },
    })
    template.hasResourceProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 })
  })

  it('streams to callers whom IAM has authorised', () => {
    template.hasResourceProperties('AWS::Lambda::Url', { AuthType: 'AWS_IAM', InvokeMode: 'RESPONSE_STREAM' })
  })

  it('has no managed policy', () => {
    for (const role of Object.values(template.findResources('AWS::IAM::Role'))) {
      expect(role['Properties']).not.toHaveProperty('ManagedPolicyArns')
    }
  })

  it('has alarms', () => {
    const alarms = Object.values(template.findResources('AWS::CloudWatch::Alarm'))
    const names = alarms.map(({ Properties }) => Properties.MetricName)

    expect(names).toEqual(expect.arrayContaining(['Errors', 'Throttles', 'Duration', 'Url5xxCount']))
  })

  it('puts out its URL and a command that asks it something', () => {
    const outputs = template.findOutputs('*')

    expect(outputs['AgentUrl']?.['Value']).toEqual({ 'Fn::GetAtt': [expect.any(String), 'FunctionUrl'] })
    expect(JSON.stringify(outputs['TryIt'])).toMatch(/curl -N --aws-sigv4 'aws:amz:.*:lambda' .*chat'/)
  })
})

describe('a model', () => {
  it('that is an inference profile takes the profile here, and its model wherever it routes to', () => {
    const bedrock = allowed(synthesise({ modelId: 'eu.anthropic.claude-sonnet-4-6' })).filter((each) =>
      /bedrock/.test(each),
    )

    expect(bedrock).toHaveLength(4)
    expect(bedrock.join()).toContain('bedrock:*::foundation-model/anthropic.claude-sonnet-4-6"')
    expect(bedrock.join()).toContain(':inference-profile/eu.anthropic.claude-sonnet-4-6"')
  })

  it('that is asked directly takes only itself', () => {
    const bedrock = allowed(synthesise({ modelId: 'amazon.nova-lite-v1:0' })).filter((each) => /bedrock/.test(each))

    expect(bedrock).toHaveLength(2)
    expect(bedrock.join()).toContain('foundation-model/amazon.nova-lite-v1:0"')
    expect(bedrock.join()).not.toContain('inference-profile')
  })

  it('that is none takes nothing', () => {
    expect(allowed(synthesise({ modelId: 'offline' })).join()).not.toContain('bedrock')
  })

  it.each(['', 'gpt', 'anthropic.*', 'a b.c', 'arn:aws:bedrock:us-east-1::foundation-model/x.y'])(
    'is not %j',
    (modelId) => {
      expect(() => checkModelId(modelId)).toThrow(/^modelId: expected the id of a model/)
    },
  )
})

describe('other hosts', () => {
  it('API Gateway is regional, streams, and takes what IAM has authorised', () => {
    const template = synthesise({ host: 'api-gateway' })

    template.resourceCountIs('AWS::Lambda::Url', 0)
    template.hasResourceProperties('AWS::ApiGateway::RestApi', { EndpointConfiguration: { Types: ['REGIONAL'] } })
    const methods = Object.values(template.findResources('AWS::ApiGateway::Method'))
    expect(methods.map(({ Properties }) => Properties)).toEqual(
      methods.map(() =>
        expect.objectContaining({
          AuthorizationType: 'AWS_IAM',
          Integration: expect.objectContaining({ ResponseTransferMode: 'STREAM', TimeoutInMillis: 300_000 }),
        }),
      ),
    )
    expect(JSON.stringify(template.findOutputs('TryIt'))).toContain(':execute-api')
  })

  it('AgentCore Runtime runs code without a container, with the same access', () => {
    const template = synthesise({ host: 'agentcore' })

    template.hasResourceProperties('AWS::BedrockAgentCore::Runtime', {
      AgentRuntimeArtifact: { CodeConfiguration: { Runtime: 'NODE_22', EntryPoint: ['index.mjs'] } },
      EnvironmentVariables: { STRANDS_SESSION_TABLE: Match.anyValue(), MODEL_ID: Match.anyValue() },
    })
    template.resourceCountIs('AWS::Lambda::Url', 0)
    expect(allowed(template).join()).toMatch(/dynamodb:Query.*bedrock:InvokeModelWithResponseStream/)
  })

  it('a queue has a worker that reports single failures, and keeps what cannot be answered', () => {
    const template = synthesise({ queue: true })

    template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      BatchSize: 1,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    })
    template.hasResourceProperties('AWS::SQS::Queue', {
      VisibilityTimeout: 1800,
      RedrivePolicy: { maxReceiveCount: 5, deadLetterTargetArn: Match.anyValue() },
    })
    template.hasOutput('QueueUrl', {})
  })

  it.each(HOSTS)('%s may use sessions as the table grants it, and nothing else of DynamoDB', (host: HostName) => {
    const stack = new Stack(new App(), 'Grants')
    const sessions = new SessionTable(stack, 'Sessions')
    const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })
    sessions.grantSession(role)
    const actionsOf = (template: Template): string[] =>
      [...new Set(allowed(template).flatMap((each) => /^dynamodb:\w+/.exec(each)?.[0] ?? []))].toSorted()

    expect(actionsOf(synthesise({ host }))).toEqual(actionsOf(Template.fromStack(stack)))
  })
})

describe('large values', () => {
  const withBucket = (host: HostName): Template => {
    const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } })
    const sessions = { offload: { prefix: 'values/' } }
    return Template.fromStack(new SessionStack(app, 'TestStack', { sessions, agent: { host } }))
  }

  it('go to the bucket that the stack has, which the agent finds in its environment and may use', () => {
    const template = withBucket('function-url')
    const [bucket] = Object.keys(template.findResources('AWS::S3::Bucket'))

    template.hasResourceProperties('AWS::Lambda::Function', {
      Environment: {
        Variables: { MODEL_ID: Match.anyValue(), OFFLOAD_BUCKET: { Ref: bucket }, OFFLOAD_PREFIX: 'values/' },
      },
    })
    expect(allowed(template).join()).toMatch(/s3:PutObject/)
  })

  it('go there from AgentCore Runtime too', () => {
    withBucket('agentcore').hasResourceProperties('AWS::BedrockAgentCore::Runtime', {
      EnvironmentVariables: { OFFLOAD_BUCKET: Match.anyValue(), OFFLOAD_PREFIX: 'values/' },
    })
  })

  it('stay in the table of a stack without one', () => {
    expect(JSON.stringify(synthesise())).not.toContain('OFFLOAD')
    expect(offloadOf({})).toBeUndefined()
  })

  it('are where the environment says', () => {
    expect(offloadOf({ OFFLOAD_BUCKET: 'values-of-agents', OFFLOAD_PREFIX: '' })).toEqual({
      bucket: 'values-of-agents',
      prefix: '',
    })
  })

  it('take the S3 client along only where there is a bucket', () => {
    const stack = new Stack(new App(), 'Bundling')
    const sessionsWith = (id: string, offload: boolean) => new SessionTable(stack, id, { offload })

    expect(bundlingFor(sessionsWith('Without', false)).externalModules).toEqual(['@aws-sdk/client-s3'])
    expect(bundlingFor(sessionsWith('With', true)).externalModules).toEqual([])
  })
})

describe('context', () => {
  it('names a host; one that is unknown is refused', () => {
    const appWith = (host: unknown): App => new App({ context: { host } })

    expect(readChoice(new App(), 'host', HOSTS)).toBe('function-url')
    expect(readChoice(appWith('agentcore'), 'host', HOSTS)).toBe('agentcore')
    expect(() => readChoice(appWith('ecs'), 'host', HOSTS)).toThrow(
      "context 'host': expected one of function-url, api-gateway, agentcore, got 'ecs'",
    )
    expect(() => readText(new App({ context: { model: '' } }), 'model')).toThrow(
      "context 'model': expected a text, got ''",
    )
  })
})
