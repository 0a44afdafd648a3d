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

test.each([
  ['0.0.0.0', '0.255.255.255', undefined, '1.0.0.0'],
  ['10.0.0.0', '10.255.255.255', '9.255.255.255', '11.0.0.0'],
  ['100.64.0.0', '100.127.255.255', '100.63.255.255', '100.128.0.0'],
  ['127.0.0.0', '127.255.255.255', '126.255.255.255', '128.0.0.0'],
  ['169.254.0.0', '169.254.255.255', '169.253.255.255', '169.255.0.0'],
  ['172.16.0.0', '172.31.255.255', '172.15.255.255', '172.32.0.0'],
  ['192.0.0.0', '192.0.0.255', '191.255.255.255', '192.0.1.0'],
  ['192.0.2.0', '192.0.2.255', '192.0.1.255', '192.0.3.0'],
  ['192.88.99.0', '192.88.99.255', '192.88.98.255', '192.88.100.0'],
  ['192.168.0.0', '192.168.255.255', '192.167.255.255', '192.169.0.0'],
  ['198.18.0.0', '198.19.255.255', '198.17.255.255', '198.20.0.0'],
  ['198.51.100.0', '198.51.100.255', '198.51.99.255', '198.51.101.0'],
  ['203.0.113.0', '203.0.113.255', '203.0.112.255', '203.0.114.0'],
  ['224.0.0.0', '255.255.255.255', '223.255.255.255', undefined],
])('%s to %s are not public, and what is beside them is', (first, last, before = '8.8.8.8', after = '8.8.8.8') => {
  expect([first, last, before, after].map((address) => mayReach(address, 'public'))).toEqual([false, false, true, true])
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
