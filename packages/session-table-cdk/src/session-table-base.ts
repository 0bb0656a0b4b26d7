/** What a new session table and an existing one have in common: its environment and its grants. */

import type { ITableV2 } from 'aws-cdk-lib/aws-dynamodb'
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import { TABLE_VARIABLE } from 'strands-session-dynamodb/schema'
import { acknowledgeWildcard } from './acknowledge.ts'
import { checkTenant } from './check-props.ts'
import { accessTo } from './session-access.ts'

/** Which sessions a grant is for. */
export interface GrantSessionOptions {
  /**
   * The tenant whose sessions the grantee may use: the `tenantId` of its session managers.
   *
   * @default - all sessions of the table
   */
  readonly tenant?: string
}

/** Where large values are: what the library's option `offload` takes. */
export interface Offload {
  readonly bucket: IBucket
  /** What the names of objects begin with; empty, or ends with a slash. */
  readonly prefix: string
}

/** A session table, whether it is made here or exists already. */
export interface ISessionTable {
  /** The table itself, for metrics and outputs. */
  readonly table: ITableV2
  /** Where large values are; undefined when they are in the table. */
  readonly offload: Offload | undefined
  /** Environment variables that tell the library where sessions are. */
  readonly environment: Readonly<Record<string, string>>
  /**
   * Lets a grantee use sessions: exactly the actions that the library calls.
   *
   * @returns the grant of the table's actions, to depend on
   * @throws `InvalidPropError` for a tenant that is none
   */
  grantSession(grantee: IGrantable, options?: GrantSessionOptions): Grant
}

/** A session table's environment and grants; where it comes from is for its subclasses. */
export abstract class SessionTableBase extends Construct implements ISessionTable {
  abstract readonly table: ITableV2
  abstract readonly offload: Offload | undefined
  /** The table's ARN in each of its regions. */
  protected abstract readonly tableArns: readonly string[]
  /** The keys that encrypt the table, if they are not DynamoDB's own. */
  protected abstract readonly encryptionKeys: readonly IKey[]

  get environment(): Readonly<Record<string, string>> {
    return { [TABLE_VARIABLE]: this.table.tableName }
  }

  grantSession(grantee: IGrantable, options: GrantSessionOptions = {}): Grant {
    const { tenant } = options
    if (tenant !== undefined) checkTenant(tenant)
    const { table, offload, tableArns } = this
    const places = {
      tableArns,
      tableName: table.tableName,
      objects: offload && { bucketArn: offload.bucket.bucketArn, prefix: offload.prefix },
    }
    const access = accessTo(places, tenant)
    const grants = access.map(({ actions, resources, conditions }) =>
      Grant.addToPrincipal({
        grantee,
        actions,
        resourceArns: resources,
        ...(conditions !== undefined && { conditions: { ...conditions } }),
      }),
    )
    const { grantPrincipal } = grantee
    for (const resource of access.flatMap(({ resources }) => resources.filter((each) => each.endsWith('*')))) {
      if (!Construct.isConstruct(grantPrincipal)) break
      acknowledgeWildcard(
        grantPrincipal,
        resource,
        'It may use the objects of the sessions that it was granted, and no other.',
      )
    }
    const bucketKey = offload?.bucket.encryptionKey
    const keys = new Set([...this.encryptionKeys, ...(bucketKey === undefined ? [] : [bucketKey])])
    for (const key of keys) key.grantEncryptDecrypt(grantee)
    return grants.reduce((all, grant) => all.combine(grant))
  }
}
