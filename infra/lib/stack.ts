/** The stack that `cdk deploy` creates: for now the session table alone. */
import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { SessionTable, type SessionTableProps } from './session-table.ts'

/** What can be chosen about the stack: everything about its table, beside what any stack takes. */
export interface SessionStackProps extends StackProps, SessionTableProps {}

/** One session table, with the outputs that a session manager needs to find it. */
export class SessionStack extends Stack {
  /** The table and all that belongs to it. */
  readonly sessions: SessionTable

  constructor(scope: Construct, id: string, props: SessionStackProps = {}) {
    const { tableName, ephemeral, ...stackProps } = props
    super(scope, id, { description: 'Sessions of Strands agents', ...stackProps })

    this.sessions = new SessionTable(this, 'Sessions', {
      ...(tableName !== undefined && { tableName }),
      ...(ephemeral !== undefined && { ephemeral }),
    })

    new CfnOutput(this, 'TableName', {
      value: this.sessions.table.tableName,
      description: 'The tableName option of the session manager, or STRANDS_SESSION_TABLE',
    })
    new CfnOutput(this, 'Region', { value: this.region, description: 'Where the table is' })
  }
}
