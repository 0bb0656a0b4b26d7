import { App } from 'aws-cdk-lib'
import { HOSTS } from '../lib/agent/hosts.ts'
import { readChoice, readFlag, readText } from '../lib/context.ts'
import { SessionStack } from '../lib/stack.ts'

const app = new App()
const sessions = { ephemeral: readFlag(app, 'ephemeral'), offload: readFlag(app, 'offload') }
const agent = { host: readChoice(app, 'host', HOSTS), modelId: readText(app, 'model'), queue: readFlag(app, 'queue') }

new SessionStack(app, 'StrandsSession', { sessions, agent })
