import { BlockList, isIP } from 'node:net'

/**
 * Where requests may go that someone else chose the URL of. `public`: to addresses of the public internet alone, as where tenants
 * share a deployment. `private`: anywhere but to link-local addresses, where clouds give out credentials.
 */
export type Reach = 'public' | 'private'

/** Whether a request to `address`, an IPv4 or IPv6 address, is within `reach`. */
export function mayReach(address: string, reach: Reach): boolean {
  const family = isIP(address)
  if (family === 0) return false
  // A scope, as in fe80::1%eth0, is no part of the address.
  const [bare = ''] = address.split('%')
  if (family === 4) return !LINK_LOCAL.check(bare) && !(reach === 'public' && NOT_PUBLIC.check(bare))
  if (LINK_LOCAL.check(bare, 'ipv6')) return false
  if (reach === 'private') return true
  return GLOBAL.check(bare, 'ipv6') && !NOT_PUBLIC.check(bare, 'ipv6')
}

/** The address that a URL's host name is, without brackets; undefined where it is a name. */
export function addressOf({ hostname }: URL): string | undefined {
  const bare = hostname.replace(/^\[|\]$/g, '')
  return isIP(bare) === 0 ? undefined : bare
}

function blockList(subnets: readonly (readonly [network: string, prefix: number])[]): BlockList {
  const list = new BlockList()
  for (const [network, prefix] of subnets) list.addSubnet(network, prefix, isIP(network) === 4 ? 'ipv4' : 'ipv6')
  return list
}

/** Of IPv6 addresses that stand for IPv4 ones, those that Node checks against the IPv4 ranges by itself are not listed. */
const LINK_LOCAL = blockList([
  ['169.254.0.0', 16],
  ['fe80::', 10],
  // AWS's metadata server, and link-local IPv4 behind NAT64.
  ['fd00:ec2::', 32],
  ['64:ff9b::a9fe:0', 112],
])

/** IANA's special-purpose addresses. */
const NOT_PUBLIC = blockList([
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
  // Protocol assignments with Teredo, documentation, and 6to4, which leads to any IPv4 address.
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
])

/** All of IPv6 that is given out for the internet. */
const GLOBAL = blockList([['2000::', 3]])
