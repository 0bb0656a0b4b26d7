import { App } from 'aws-cdk-lib'
import { readFlag } from '../lib/context.ts'
import { SessionStack } from '../lib/stack.ts'

const app = new App()
const sessions = { ephemeral: readFlag(app, 'ephemeral'), offload: readFlag(app, 'offload') }

new SessionStack(app, 'StrandsSession', { sessions })
