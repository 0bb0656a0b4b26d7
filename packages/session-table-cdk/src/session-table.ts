/** The DynamoDB table of the session manager, in the shape that the library states in its schema module. */

import { Stack } from 'aws-cdk-lib'
import { type ITableV2, TableV2 } from 'aws-cdk-lib/aws-dynamodb'
import { type IKey, Key } from 'aws-cdk-lib/aws-kms'
import type { Construct } from 'constructs'
import { OWNER_INDEX } from 'strands-session-dynamodb/schema'
import { checkObjectPrefix, checkProps, checkTableName } from './check-props.ts'
import { OffloadBucket } from './offload-bucket.ts'
import type { OffloadProps, SessionTableProps, SessionTableReplica } from './props.ts'
import { ReclaimFunction } from './reclaim-function.ts'
import { SessionMonitoring } from './session-monitoring.ts'
import { type ISessionTable, type Offload, SessionTableBase } from './session-table-base.ts'
import { tablePropsOf } from './table-props.ts'

/** What is known of a session table that exists already. */
export interface SessionTableAttributes {
  /** Where large values are; `prefix` is '' unless it is given. @default - in the table */
  readonly offload?: Required<Pick<OffloadProps, 'bucket'>> & Pick<OffloadProps, 'prefix'>
  /** Key that encrypts the table. @default - one that DynamoDB owns */
  readonly encryptionKey?: IKey
}

/** An on-demand table with the keys, index and time to live that the session manager expects. */
export class SessionTable extends SessionTableBase {
  /**
   * A session table that exists already, in this account and region: its environment and its grants.
   *
   * @throws `InvalidPropError` for what cannot be a table's name, or the beginning of an object's
   */
  static fromTableName(
    scope: Construct,
    id: string,
    tableName: string,
    attributes: SessionTableAttributes = {},
  ): ISessionTable {
    return new ExistingSessionTable(scope, id, tableName, attributes)
  }

  readonly table: TableV2
  readonly offload: Offload | undefined
  /** The alarms and the dashboard. */
  readonly monitoring: SessionMonitoring
  protected readonly encryptionKeys: readonly IKey[]
  protected readonly tableArns: readonly string[]

  /** @throws `InvalidPropError` naming the first prop that is wrong */
  constructor(scope: Construct, id: string, props: SessionTableProps = {}) {
    super(scope, id)
    checkProps(this, props)
    const { encryptionKey, replicas = [] } = props

    this.table = new TableV2(this, 'Table', tablePropsOf(props))
    this.tableArns = [this.table.tableArn, ...replicas.map(({ region }) => this.#arnIn(region))]
    this.encryptionKeys = [...(encryptionKey === undefined ? [] : [encryptionKey]), ...this.#keysOf(replicas)]
    this.offload = this.#createOffload(props)
    const reclaim =
      this.offload &&
      new ReclaimFunction(this, 'Reclaim', {
        table: this.table,
        offload: this.offload,
        hasReplicas: replicas.length > 0,
      })
    this.monitoring = new SessionMonitoring(this, 'Monitoring', {
      table: this.table,
      deadLetters: reclaim?.deadLetters,
      alarms: props.alarms ?? true,
      alarmTopic: props.alarmTopic,
      dashboard: props.dashboard ?? true,
    })
  }

  #createOffload({ offload = false, ephemeral = false, encryptionKey }: SessionTableProps): Offload | undefined {
    if (offload === false) return undefined
    const { bucket, prefix = '', recoverableDays }: OffloadProps = offload === true ? {} : offload
    if (bucket !== undefined) return { bucket, prefix }
    return { bucket: new OffloadBucket(this, 'Offload', { ephemeral, encryptionKey, recoverableDays }), prefix }
  }

  #keysOf(replicas: readonly SessionTableReplica[]): IKey[] {
    return replicas.flatMap(({ region, encryptionKeyArn }) =>
      encryptionKeyArn === undefined ? [] : [Key.fromKeyArn(this, `Key-${region}`, encryptionKeyArn)],
    )
  }

  /** DynamoDB gives a replica the table's name. */
  #arnIn(region: string): string {
    const resourceName = this.table.tableName
    return Stack.of(this).formatArn({ service: 'dynamodb', resource: 'table', resourceName, region })
  }
}

/** A session table that was made elsewhere. */
class ExistingSessionTable extends SessionTableBase {
  readonly table: ITableV2
  readonly offload: Offload | undefined
  protected readonly encryptionKeys: readonly IKey[]
  protected readonly tableArns: readonly string[]

  constructor(scope: Construct, id: string, tableName: string, { offload, encryptionKey }: SessionTableAttributes) {
    super(scope, id)
    checkTableName(tableName)
    checkObjectPrefix(offload?.prefix)
    this.table = TableV2.fromTableAttributes(this, 'Table', {
      tableName,
      globalIndexes: [OWNER_INDEX],
      ...(encryptionKey !== undefined && { encryptionKey }),
    })
    this.offload = offload && { bucket: offload.bucket, prefix: offload.prefix ?? '' }
    this.encryptionKeys = encryptionKey === undefined ? [] : [encryptionKey]
    this.tableArns = [this.table.tableArn]
  }
}
