import { App } from 'aws-cdk-lib'
import { SessionStack } from '../lib/stack.ts'

const app = new App()
const ephemeral = String(app.node.tryGetContext('ephemeral')) === 'true'

new SessionStack(app, 'StrandsSession', { ephemeral })
