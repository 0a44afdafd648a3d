import { createHash } from 'node:crypto'
import type { Cloudfunctions2Function } from '@cdktf/provider-google/lib/cloudfunctions2-function/index.js'
import { ComputeBackendService } from '@cdktf/provider-google/lib/compute-backend-service/index.js'
import { ComputeGlobalAddress } from '@cdktf/provider-google/lib/compute-global-address/index.js'
import { ComputeGlobalForwardingRule } from '@cdktf/provider-google/lib/compute-global-forwarding-rule/index.js'
import { ComputeManagedSslCertificate } from '@cdktf/provider-google/lib/compute-managed-ssl-certificate/index.js'
import { ComputeRegionNetworkEndpointGroup } from '@cdktf/provider-google/lib/compute-region-network-endpoint-group/index.js'
import { ComputeSslPolicy } from '@cdktf/provider-google/lib/compute-ssl-policy/index.js'
import { ComputeTargetHttpsProxy } from '@cdktf/provider-google/lib/compute-target-https-proxy/index.js'
import { ComputeUrlMap } from '@cdktf/provider-google/lib/compute-url-map/index.js'
import type { Context } from './context.ts'

interface DomainOptions {
  readonly domain: string
  readonly ingest: Cloudfunctions2Function
  readonly query: Cloudfunctions2Function
}

/** One host name for both public functions: `/v1/…` goes to `ingest`, all else to `query`. Returns the address to point DNS at. */
export function createDomain(context: Context, { domain, ingest, query }: DomainOptions): ComputeGlobalAddress {
  const { scope, deployment } = context
  const { project, region } = deployment
  const backend = (name: string, target: Cloudfunctions2Function) => {
    const group = new ComputeRegionNetworkEndpointGroup(scope, `endpoints-${name}`, {
      project,
      region,
      name: context.name(name),
      networkEndpointType: 'SERVERLESS',
      cloudRun: { service: target.name },
    })
    return new ComputeBackendService(scope, `backend-${name}`, {
      project,
      name: context.name(name),
      loadBalancingScheme: 'EXTERNAL_MANAGED',
      protocol: 'HTTPS',
      backend: [{ group: group.id }],
    })
  }
  const backends = { ingest: backend('ingest', ingest), query: backend('query', query) }
  const address = new ComputeGlobalAddress(scope, 'address', {
    ...{ project, name: context.name('address') },
  })
  const certificate = new ComputeManagedSslCertificate(scope, 'certificate', {
    project,
    // The proxy holds on to the certificate of the last domain until it has that of the next, which so needs another name.
    name: context.name(`certificate-${createHash('sha256').update(domain).digest('hex').slice(0, 8)}`),
    managed: { domains: [domain] },
    lifecycle: { createBeforeDestroy: true },
  })
  const urlMap = new ComputeUrlMap(scope, 'urls', {
    project,
    name: context.name('urls'),
    defaultService: backends.query.id,
    hostRule: [{ hosts: [domain], pathMatcher: 'paths' }],
    pathMatcher: [
      {
        name: 'paths',
        defaultService: backends.query.id,
        pathRule: [{ paths: ['/v1/*'], service: backends.ingest.id }],
      },
    ],
  })
  // Keys go over it: without a policy of ours it would take TLS 1.0.
  const tls = new ComputeSslPolicy(scope, 'tls', {
    ...{ project, name: context.name('tls'), profile: 'MODERN', minTlsVersion: 'TLS_1_2' },
  })
  const proxy = new ComputeTargetHttpsProxy(scope, 'proxy', {
    project,
    name: context.name('proxy'),
    urlMap: urlMap.id,
    sslCertificates: [certificate.id],
    sslPolicy: tls.id,
  })
  new ComputeGlobalForwardingRule(scope, 'forwarding', {
    project,
    name: context.name('https'),
    target: proxy.id,
    ipAddress: address.address,
    portRange: '443',
    loadBalancingScheme: 'EXTERNAL_MANAGED',
  })
  return address
}
