import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { createHmac } from "node:crypto";
import { HASH_SIZES, type HashAlgorithm, HmacDigest } from "../../../../src/auth/crypto/hmac_digest.ts";

const ALGORITHMS: readonly HashAlgorithm[] = ["sha256", "sha1", "sha384", "sha512"];

function ascii(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function repeated(byte: number, count: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(count).fill(byte);
}

interface Vector {
  readonly key: Uint8Array<ArrayBuffer>;
  readonly message: Uint8Array<ArrayBuffer>;
  readonly expected: Partial<Record<HashAlgorithm, string>>;
}

const COUNTING_KEY = Uint8Array.from({ length: 25 }, (_, index) => index + 1);
const LARGE_KEY_MESSAGE = ascii("Test Using Larger Than Block-Size Key - Hash Key First");

/** RFC 4231 (SHA-2) and RFC 2202 (SHA-1). */
const VECTORS: readonly Vector[] = [
  {
    key: repeated(0x0b, 20),
    message: ascii("Hi There"),
    expected: {
      sha1: "b617318655057264e28bc0b6fb378c8ef146be00",
      sha256: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
      sha512: "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde" +
        "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
    },
  },
  {
    key: ascii("Jefe"),
    message: ascii("what do ya want for nothing?"),
    expected: {
      sha1: "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
      sha256: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
      sha512: "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554" +
        "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
    },
  },
  {
    key: repeated(0xaa, 20),
    message: repeated(0xdd, 50),
    expected: {
      sha1: "125d7342b9ac11cd91a39af48aa17b4f63f175d3",
      sha256: "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
      sha512: "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39" +
        "bf3e848279a722c806b485a47e67c807b946a337bee8942674278859e13292fb",
    },
  },
  {
    key: COUNTING_KEY,
    message: repeated(0xcd, 50),
    expected: {
      sha1: "4c9007f4026250c6bc8414f9bf50c86c2d7235da",
      sha256: "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
      sha512: "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3db" +
        "a91ca5c11aa25eb4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd",
    },
  },
  {
    key: repeated(0xaa, 80),
    message: LARGE_KEY_MESSAGE,
    expected: { sha1: "aa4ae5e15272d00e95705637ce8a3b55ed402112" },
  },
  {
    key: repeated(0xaa, 131),
    message: LARGE_KEY_MESSAGE,
    expected: {
      sha256: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
      sha512: "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352" +
        "6b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598",
    },
  },
];

Deno.test("HmacDigest gives the codes of RFC 4231 and RFC 2202", () => {
  for (const { key, message, expected } of VECTORS) {
    for (const algorithm of ALGORITHMS) {
      if (expected[algorithm] === undefined) continue;
      assertEquals(new HmacDigest(algorithm, key).hex(message), expected[algorithm]);
    }
  }
});

for (const algorithm of ALGORITHMS) {
  Deno.test(`HmacDigest equals createHmac for any key and message with ${algorithm}`, () => {
    // Keys below, at and above the block sizes of 64 and 128 bytes.
    const key = fc.uint8Array({ maxLength: 300 });
    const message = fc.uint8Array({ maxLength: 2000 });
    fc.assert(fc.property(key, message, (keyBytes, messageBytes) => {
      const digest = new HmacDigest(algorithm, new Uint8Array(keyBytes));
      const bytes = new Uint8Array(messageBytes);
      const expected = createHmac(algorithm, keyBytes).update(messageBytes).digest();
      assertEquals(digest.hex(bytes), expected.toString("hex"));
      assertEquals(digest.base64(bytes), expected.toString("base64"));
    }));
  });

  Deno.test(`HmacDigest equals createHmac around the lengths where its way changes, with ${algorithm}`, () => {
    const digest = new HmacDigest(algorithm, ascii("key"));
    const { scriptBytes } = HASH_SIZES[algorithm];
    const inBlocks = Array.from({ length: 2 * 128 + 2 }, (_, length) => length);
    for (const length of [...inBlocks, scriptBytes, scriptBytes + 1, 65_535, 65_536, 65_537, 200_000, 10]) {
      const message = repeated(length % 251, length);
      assertEquals(digest.hex(message), createHmac(algorithm, "key").update(message).digest("hex"));
    }
  });
}

Deno.test("HmacDigest hashes a view of a larger buffer as the view alone", () => {
  const buffer = Uint8Array.from({ length: 1000 }, (_, index) => index % 256);
  const view = buffer.subarray(100, 250);
  assertEquals(
    new HmacDigest("sha256", ascii("key")).hex(view),
    createHmac("sha256", "key").update(view.slice()).digest("hex"),
  );
});

Deno.test("HmacDigest of one key is not changed by the use of another in between", () => {
  const first = new HmacDigest("sha256", ascii("first"));
  const second = new HmacDigest("sha512", ascii("second"));
  const before = first.hex(ascii("message"));
  second.hex(ascii("a longer message than the first one"));
  assertEquals(first.hex(ascii("message")), before);
});
