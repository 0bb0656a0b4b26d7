/** What a role may do with sessions, as policy statements: exactly what the library calls. Pure. */

import type { PolicyStatementProps } from 'aws-cdk-lib/aws-iam'
import {
  BUCKET_ACTIONS,
  OBJECT_ACTIONS,
  OWNER_INDEX_ACTIONS,
  objectPrefixOf,
  TABLE_ACTIONS,
  TABLE_SCHEMA,
  tenantPrefixOf,
} from 'strands-session-dynamodb/schema'

/** What a grant says about one kind of resource. */
export type AccessStatement = Required<Pick<PolicyStatementProps, 'actions' | 'resources'>> &
  Pick<PolicyStatementProps, 'conditions'>

/** Where sessions are. */
export interface SessionPlaces {
  /** The table, in each of its regions. */
  readonly tableArns: readonly string[]
  readonly tableName: string
  /** Where large values are, if they are not in the table. */
  readonly objects?: { readonly bucketArn: string; readonly prefix: string } | undefined
}

/** How a policy names an asterisk that is no wildcard. */
const LITERAL_ASTERISK = '\u0024{*}'

/** The statements for all sessions, or for those of one tenant. */
export function accessTo(places: SessionPlaces, tenant?: string): readonly AccessStatement[] {
  return [...tableAccess(places, tenant), ...objectAccess(places, tenant)]
}

/** The statements for deleting objects of all sessions. */
export function accessToDelete(places: SessionPlaces): readonly AccessStatement[] {
  return objectAccess(places, undefined, ['s3:DeleteObject'])
}

function tableAccess({ tableArns }: SessionPlaces, tenant: string | undefined): readonly AccessStatement[] {
  const conditions = tenant === undefined ? undefined : leadingKeys(`${literal(tenantPrefixOf(tenant))}*`)
  const indexArns = tableArns.map((arn) => `${arn}/index/${TABLE_SCHEMA.ownerIndex.name}`)
  return [statement(TABLE_ACTIONS, tableArns, conditions), statement(OWNER_INDEX_ACTIONS, indexArns, conditions)]
}

function objectAccess(
  { objects, tableName }: SessionPlaces,
  tenant: string | undefined,
  actions: readonly string[] = OBJECT_ACTIONS,
): readonly AccessStatement[] {
  if (objects === undefined) return []
  const { bucketArn, prefix } = objects
  // A session's folder without its slash is how the folders of all sessions begin whose keys begin so.
  const start = objectPrefixOf(tableName, tenant === undefined ? '' : tenantPrefixOf(tenant)).slice(0, -1)
  const names = `${prefix}${literal(start)}*`
  return [
    statement(actions, [`${bucketArn}/${names}`]),
    statement(BUCKET_ACTIONS, [bucketArn], { StringLike: { 's3:prefix': names } }),
  ]
}

/** Without the second condition, a request that names no key at all would pass the first one. */
function leadingKeys(pattern: string): PolicyStatementProps['conditions'] {
  return {
    'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [pattern] },
    Null: { 'dynamodb:LeadingKeys': 'false' },
  }
}

/** A text that stands for itself in a pattern: percent-encoding leaves asterisks as they are. */
function literal(text: string): string {
  return text.replaceAll('*', LITERAL_ASTERISK)
}

function statement(
  actions: readonly string[],
  resources: readonly string[],
  conditions?: PolicyStatementProps['conditions'],
): AccessStatement {
  return { actions: [...actions], resources: [...resources], ...(conditions !== undefined && { conditions }) }
}
