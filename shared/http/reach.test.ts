import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addressOf, mayReach } from './reach.ts'

test.each([
  ['169.254.169.254', false, false],
  ['fe80::1', false, false],
  ['fe80::1%eth0', false, false],
  ['fd00:ec2::254', false, false],
  ['::ffff:169.254.169.254', false, false],
  ['64:ff9b::169.254.169.254', false, false],
  ['127.0.0.1', false, true],
  ['::1', false, true],
  ['::ffff:127.0.0.1', false, true],
  ['::ffff:10.0.0.1', false, true],
  ['::', false, true],
  ['0.0.0.0', false, true],
  ['10.1.2.3', false, true],
  ['172.16.0.1', false, true],
  ['172.31.255.255', false, true],
  ['192.168.1.1', false, true],
  ['100.64.0.1', false, true],
  ['198.18.0.1', false, true],
  ['224.0.0.1', false, true],
  ['255.255.255.255', false, true],
  ['fd12:3456::1', false, true],
  ['fec0::1', false, true],
  ['ff02::1', false, true],
  ['2002:7f00:1::', false, true],
  ['2001:0:7f00:1::', false, true],
  ['64:ff9b::7f00:1', false, true],
  ['172.15.255.255', true, true],
  ['172.32.0.1', true, true],
  ['8.8.8.8', true, true],
  ['2606:4700::1111', true, true],
  ['no address', false, false],
])('%s: on the public internet %s, elsewhere %s', (address, open, closed) => {
  expect([mayReach(address, 'public'), mayReach(address, 'private')]).toEqual([open, closed])
})

test('what is public is reached from anywhere', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
      expect(mayReach(address, 'public') && !mayReach(address, 'private')).toBe(false)
    }),
  )
})

test.each([
  ['http://2130706433/', '127.0.0.1'],
  ['http://0x7f.1/', '127.0.0.1'],
  ['http://0177.0.0.1/', '127.0.0.1'],
  ['http://[::1]:8080/', '::1'],
  ['http://[::ffff:7f00:1]/', '::ffff:7f00:1'],
  ['http://localhost/', undefined],
  ['http://127.0.0.1.example.com/', undefined],
])('the address in %s is %s', (url, address) => {
  expect(addressOf(new URL(url))).toBe(address)
})
