/** Says to cdk-nag, where it is used, why a policy has a wildcard in a resource: that needs the finding's exact name. */

import { Stack, Validations } from 'aws-cdk-lib'
import type { IConstruct } from 'constructs'

/** Acknowledges a resource with a wildcard in the policies of a construct. */
export function acknowledgeWildcard(scope: IConstruct, resource: string, reason: string): void {
  const id = `AwsSolutions-IAM5[Resource::${printed(Stack.of(scope).resolve(resource))}]`
  Validations.of(scope).acknowledge({ id, reason })
}

/** A resource as cdk-nag prints it: references in angle brackets. */
function printed(resource: unknown): string {
  if (typeof resource !== 'object' || resource === null) return String(resource)
  if ('Ref' in resource) return `<${resource.Ref}>`
  if ('Fn::GetAtt' in resource && Array.isArray(resource['Fn::GetAtt'])) return `<${resource['Fn::GetAtt'].join('.')}>`
  const join: unknown = Reflect.get(resource, 'Fn::Join')
  return Array.isArray(join) && Array.isArray(join[1]) ? join[1].map(printed).join(join[0]) : JSON.stringify(resource)
}
