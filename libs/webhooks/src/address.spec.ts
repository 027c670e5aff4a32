import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { addressRule, checkAddress, forbidden } from './address.ts';

const refusal = (url: string, privateAllowed = false): string | undefined => {
  try {
    checkAddress(url, { privateAllowed });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
};

describe("a webhook's URL", () => {
  it.each(['https://receiver.example/', 'https://receiver.example:8443/a/b?c=d', 'https://RECEIVER.example/x', 'https://8.8.8.8/', 'https://[2606:4700:4700::1111]/', 'https://receiver.example:443/'])(
    'may be %s',
    (url) => expect(refusal(url)).toBeUndefined(),
  );

  it.each([
    ['receiver.example', 'no URL'],
    ['http://receiver.example/', 'https://'],
    ['ftp://receiver.example/', 'https://'],
    ['file:///etc/passwd', 'https://'],
    ['https://user:secret@receiver.example/', 'name or password'],
    ['https://@receiver.example/', 'name or password'],
    ['https://receiver.example/#top', '#'],
    ['https://127.0.0.1/', 'loopback'],
    ['https://127.1/', 'means 127.0.0.1'],
    ['https://0x7f.0.0.1/', 'means 127.0.0.1'],
    ['https://2130706433/', 'means 127.0.0.1'],
    ['https://0177.0.0.1/', 'means 127.0.0.1'],
    ['https://①②⑦.0.0.1/', 'means 127.0.0.1'],
    ['https:\\\\127.0.0.1/', '127.0.0.1'],
    ['https:/127.0.0.1/', '127.0.0.1'],
    ['https://169.254.169.254/latest/meta-data/', 'linkLocal'],
    ['https://[::1]/', 'loopback'],
    ['https://[::ffff:10.0.0.1]/', 'means'],
    ['https://[::ffff:a00:1]/', 'private'],
  ])('may not be %s', (url, why) => expect(refusal(url)).toContain(why));

  it('may be a server of this machine where that is allowed', () => {
    expect(refusal('http://127.0.0.1:9000/', true)).toBeUndefined();
    expect(refusal('http://localhost:9000/', true)).toBeUndefined();
    expect(refusal('ftp://127.0.0.1/', true)).toContain('https://');
  });
});

describe('an IP address', () => {
  it.each(['8.8.8.8', '1.1.1.1', '93.184.215.14', '2606:4700:4700::1111', '2a00:1450:4001:82a::200e', '::ffff:8.8.8.8', '64:ff9b::8.8.8.8', '2002:808:808::1'])('is public: %s', (address) =>
    expect(forbidden(address)).toBeUndefined(),
  );

  it.each([
    '0.0.0.0', '127.0.0.1', '127.255.255.254', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '100.64.0.1', '100.100.100.200',
    '192.0.0.192', '192.0.2.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '224.0.0.1', '240.0.0.1', '255.255.255.255', '168.63.129.16',
    '::', '::1', 'fe80::1', 'fe80::1%eth0', 'fec0::1', 'fc00::1', 'fd00:ec2::254', 'ff02::1', '2001:db8::1', '100::1', '2001::1', '4000::1', '::808:808',
    '::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:169.254.169.254', '64:ff9b::127.0.0.1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::8.8.8.8', '2002:7f00:1::', '2002:a9fe:a9fe::1',
    'nonsense', '',
  ])('is none to send to: %s', (address) => expect(forbidden(address)).toEqual(expect.any(String)));

  it('is judged alike whether it is written as IPv4, mapped, by NAT64 or as 6to4', () => {
    fc.assert(
      fc.property(fc.ipV4(), (v4) => {
        const octets = v4.split('.').map(Number) as [number, number, number, number];
        const hex = (high: number, low: number): string => (high * 256 + low).toString(16);
        const inner = `${hex(octets[0], octets[1])}:${hex(octets[2], octets[3])}`;
        const verdicts = [v4, `::ffff:${inner}`, `64:ff9b::${inner}`, `2002:${inner}::1`].map((address) => forbidden(address) === undefined);
        expect(new Set(verdicts).size).toBe(1);
      }),
    );
  });
});

describe('the rule for connections', () => {
  it('forbids private addresses unless told otherwise', () => expect(addressRule({ privateAllowed: false, local: true })('10.0.0.1')).toContain('private'));
  it('forbids none for development on one machine', () => expect(addressRule({ privateAllowed: true, local: true })('10.0.0.1')).toBeUndefined());
  it('cannot be lifted elsewhere', () => expect(() => addressRule({ privateAllowed: true, local: false })).toThrow('VITAE_MODE=local only'));
});
