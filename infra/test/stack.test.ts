import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { App, Validations } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { AwsSolutionsChecks } from 'cdk-nag'
import { afterAll, describe, expect, it } from 'vitest'
import { readFlag } from '../lib/context.ts'
import { SessionStack, type SessionStackProps } from '../lib/stack.ts'

/** Everything that the stack can have. */
const FULL: SessionStackProps = { sessions: { offload: true }, agent: { queue: true } }

const folder = mkdtempSync(join(tmpdir(), 'session-stack-'))
afterAll(() => rmSync(folder, { recursive: true }))

function appWith(props: SessionStackProps = {}): { app: App; stack: SessionStack } {
  // Functions of the stack itself are not bundled: what they hold does not matter here.
  const app = new App({ outdir: mkdtempSync(join(folder, 'out-')), context: { 'aws:cdk:bundling-stacks': [] } })
  return { app, stack: new SessionStack(app, 'TestStack', props) }
}

function synthesise(props?: SessionStackProps): Template {
  return Template.fromStack(appWith(props).stack)
}

/** A template without what changes with every build: the hashes of its assets. */
function normalise(template: Template): unknown {
  return JSON.parse(JSON.stringify(template.toJSON()).replace(/\b[0-9a-f]{64}\b/g, '<hash>'))
}

describe('SessionStack', () => {
  it('puts out the name and the region of its only table', () => {
    const template = synthesise()
    const [table] = Object.keys(template.findResources('AWS::DynamoDB::GlobalTable'))

    template.resourceCountIs('AWS::DynamoDB::GlobalTable', 1)
    expect(template.findOutputs('*')).toMatchObject({
      TableName: { Value: { Ref: table }, Description: expect.any(String) },
      Region: { Value: { Ref: 'AWS::Region' }, Description: expect.any(String) },
    })
  })

  it('puts out the name of its bucket when it has one', () => {
    const template = synthesise(FULL)
    const [bucket] = Object.keys(template.findResources('AWS::S3::Bucket'))

    expect(template.findOutputs('OffloadBucket')).toMatchObject({ OffloadBucket: { Value: { Ref: bucket } } })
  })

  it('is what it was: a change of the template is meant', () => {
    expect(normalise(synthesise(FULL))).toMatchSnapshot()
  })

  it.each<[string, SessionStackProps]>([
    ['protected', FULL],
    ['ephemeral', { sessions: { offload: true, ephemeral: true } }],
    ['behind API Gateway', { agent: { host: 'api-gateway' } }],
    ['on AgentCore Runtime', { agent: { host: 'agentcore' } }],
  ])('when %s keeps the rules of cdk-nag, or says why not', (_, props) => {
    const { app } = appWith(props)
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app))

    expect(() => app.synth()).not.toThrow()
  })
})

describe('a template', () => {
  const lint = spawnSync('cfn-lint', ['--version'], { encoding: 'utf8' })
  const reason = lint.status === 0 ? '' : ' (not checked: cfn-lint is not installed)'

  it(`has nothing that cfn-lint finds wrong${reason}`, () => {
    const file = join(folder, 'template.json')
    writeFileSync(file, JSON.stringify(synthesise(FULL)))
    if (lint.status !== 0) return

    // W3005: the CDK states dependencies that references imply.
    const { stdout, status } = spawnSync('cfn-lint', ['--ignore-checks', 'W3005', '--', file], { encoding: 'utf8' })
    expect({ stdout, status }).toEqual({ stdout: '', status: 0 })
  })
})

describe('context', () => {
  it.each([
    [undefined, false],
    [true, true],
    ['true', true],
    ['false', false],
  ])('%j is %j', (value, flag) => {
    const app = new App(value === undefined ? {} : { context: { ephemeral: value } })

    expect(readFlag(app, 'ephemeral')).toBe(flag)
  })

  it('that is neither true nor false is refused', () => {
    const app = new App({ context: { ephemeral: 'yes' } })

    expect(() => readFlag(app, 'ephemeral')).toThrow("context 'ephemeral': expected true or false, got 'yes'")
  })
})
