/** The stack that `cdk deploy` creates: for now the session table alone. */
import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { SessionTable, type SessionTableProps } from 'strands-session-dynamodb-cdk'

/** What can be chosen about the stack, beside what any stack takes. */
export interface SessionStackProps extends StackProps {
  /** What can be chosen about its table. @default - a table that is safe to keep conversations in */
  readonly sessions?: SessionTableProps
}

/** One session table, with the outputs that a session manager needs to find it. */
export class SessionStack extends Stack {
  /** The table and all that belongs to it. */
  readonly sessions: SessionTable

  constructor(scope: Construct, id: string, props: SessionStackProps = {}) {
    const { sessions, ...stackProps } = props
    super(scope, id, { description: 'Sessions of Strands agents', ...stackProps })

    this.sessions = new SessionTable(this, 'Sessions', sessions)

    new CfnOutput(this, 'TableName', {
      value: this.sessions.table.tableName,
      description: 'The tableName option of the session manager, or STRANDS_SESSION_TABLE',
    })
    if (this.sessions.offload !== undefined) {
      new CfnOutput(this, 'OffloadBucket', {
        value: this.sessions.offload.bucket.bucketName,
        description: 'The offload.bucket option of the session manager',
      })
    }
    new CfnOutput(this, 'Region', { value: this.region, description: 'Where the table is' })
  }
}
