import { Buffer } from "node:buffer";

/** How a client says who it is by Basic: form-encoded before it is put together (RFC 6749, section 2.3.1). */
export function basicCredentials(id: string, secret: string): string {
  const encode = (text: string) => `${new URLSearchParams([[text, ""]])}`.slice(0, -1);
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString("base64")}`;
}
