// The camera of a phone: reads a QR code off a picture of the screen.
import jsqr from 'jsqr';
import { PNG } from 'pngjs';

/** What the code in the picture says. */
export function scan(picture: Buffer): string {
  const { data, width, height } = PNG.sync.read(picture);
  const found = jsqr.default(new Uint8ClampedArray(data), width, height);
  if (!found) throw new Error(`No code can be read in a picture of ${width} by ${height} pixels`);
  return found.data;
}
