import test from 'ava';
import sharp from 'sharp';
import { asInputProfile, srgbInputProfile } from '../../src/conversion/icc-profile.ts';

const text = (profile: Uint8Array, at: number) =>
  Buffer.from(profile.subarray(at, at + 4)).toString('latin1');

/** Pixels of an image that carries `profile`, as they lie and as colour management makes them sRGB. */
async function throughProfile(profile: Uint8Array): Promise<readonly [Buffer, Buffer]> {
  // A PNG chunk `iCCP` would need a compressor: TIFF takes the profile as it is, in tag 34675.
  const pixels = Uint8Array.from({ length: 16 * 16 * 3 }, (_, index) => (index * 7919) & 255);
  const entries: readonly (readonly [tag: number, type: number, count: number, value: number])[] = [
    [256, 3, 1, 16],
    [257, 3, 1, 16],
    [258, 3, 3, 8],
    [259, 3, 1, 1],
    [262, 3, 1, 2],
    [273, 4, 1, 1024],
    [277, 3, 1, 3],
    [278, 3, 1, 16],
    [279, 4, 1, pixels.byteLength],
    [34675, 7, profile.byteLength, 4096],
  ];
  const bytes = Buffer.alloc(4096 + profile.byteLength);
  bytes.write('II*\0');
  bytes.writeUInt32LE(16, 4);
  for (const sample of [0, 1, 2]) bytes.writeUInt16LE(8, 8 + 2 * sample);
  bytes.writeUInt16LE(entries.length, 16);
  for (const [index, [tag, type, count, value]] of entries.entries()) {
    const at = 18 + 12 * index;
    bytes.writeUInt16LE(tag, at);
    bytes.writeUInt16LE(type, at + 2);
    bytes.writeUInt32LE(count, at + 4);
    bytes.writeUInt32LE(value, at + 8);
  }
  bytes.set(pixels, 1024);
  bytes.set(profile, 4096);
  return [
    await sharp(bytes, { ignoreIcc: true }).raw().toBuffer(),
    await sharp(bytes).toColourspace('srgb').raw().toBuffer(),
  ];
}

test('generated profile is an input device profile of RGB with a length that adds up', (t) => {
  const profile = srgbInputProfile();

  t.is(text(profile, 12), 'scnr');
  t.is(text(profile, 16), 'RGB ');
  t.is(text(profile, 36), 'acsp');
  t.is(Buffer.from(profile).readUInt32BE(0), profile.byteLength);
  t.is(profile.byteLength % 4, 0);
  t.deepEqual(srgbInputProfile(), profile);
});

test('generated profile is sRGB: colour management leaves the pixels as they are, within rounding', async (t) => {
  const [asStored, asSrgb] = await throughProfile(srgbInputProfile());

  t.is(asSrgb.byteLength, asStored.byteLength);
  t.true(asStored.every((value, index) => Math.abs(value - asSrgb[index]!) <= 1));
});

test('another profile is really looked at: a curve of gamma 1 changes the pixels', async (t) => {
  const linear = srgbInputProfile();
  // The curve is `para`, type 3: its exponent is the first number after twelve bytes.
  const curve = Buffer.from(linear).indexOf('para');
  new DataView(linear.buffer).setUint32(curve + 12, 65536);

  const [asStored, asSrgb] = await throughProfile(linear);

  t.true(asStored.some((value, index) => Math.abs(value - asSrgb[index]!) > 10));
});

test('display profile of a source becomes an input profile with the same tables', (t) => {
  const display = srgbInputProfile();
  display.set(Buffer.from('mntr'), 12);

  const input = asInputProfile(display);

  t.is(text(input!, 12), 'scnr');
  t.deepEqual(input!.subarray(128), display.subarray(128));
  t.true(input!.subarray(84, 100).every((byte) => byte === 0));
});

test('profile of a printer, of grey, or cut short cannot describe an optical path', (t) => {
  const changed = (at: number, letters: string) => {
    const profile = srgbInputProfile();
    profile.set(Buffer.from(letters), at);
    return profile;
  };

  t.is(asInputProfile(changed(12, 'prtr')), undefined);
  t.is(asInputProfile(changed(16, 'GRAY')), undefined);
  t.is(asInputProfile(srgbInputProfile().subarray(0, 300)), undefined);
  t.is(asInputProfile(new Uint8Array(10)), undefined);
});
