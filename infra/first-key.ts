import { SecretManagerSecret } from '@cdktf/provider-google/lib/secret-manager-secret/index.js'
import { SecretManagerSecretVersion } from '@cdktf/provider-google/lib/secret-manager-secret-version/index.js'
import { Id } from '@cdktf/provider-random/lib/id/index.js'
import type { Context } from './context.ts'

/**
 * The API key by which the first trace can be sent, made by Terraform and kept in Secret Manager. Like every key it is 16 hex
 * digits, a dot and 32 random bytes; like every key it can be revoked.
 */
export function createFirstKey(context: Context) {
  const { scope, deployment, labels } = context
  const id = new Id(scope, 'first-key-id', { byteLength: 8 })
  const secret = new Id(scope, 'first-key-secret', { byteLength: 32 })
  const container = new SecretManagerSecret(scope, 'first-key', {
    project: deployment.project,
    secretId: context.name('first-key'),
    labels,
    replication: { userManaged: { replicas: [{ location: deployment.region }] } },
  })
  const version = new SecretManagerSecretVersion(scope, 'first-key-version', {
    secret: container.id,
    secretData: `slk_${id.hex}.${secret.b64Url}`,
  })
  return { secret: container, version }
}
