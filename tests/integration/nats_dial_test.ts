import { assertEquals, assertMatch } from "@std/assert";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { DeliveryError } from "../../src/errors.ts";
import { natsModule } from "../../src/modules/nats/nats.ts";
import { OpenOutput } from "../support/open_output.ts";
import { verifiedEvent } from "../support/verified_event.ts";

const CONFIG = { subject: "orders" };

const INFO = {
  server_id: "N",
  version: "2.9.10",
  proto: 1,
  headers: true,
  max_payload: 1_048_576,
  client_id: 1,
};

const infoLine = (more: object = {}) => `INFO ${JSON.stringify({ ...INFO, ...more })}\r\n`;

/** What a server does with each of its connections, and what the gateway then says. */
interface Script {
  readonly what: string;
  serve(socket: Socket): void;
  readonly says: RegExp;
}

const afterBytes = (socket: Socket, act: () => void) => socket.once("data", act);

const SCRIPTS: readonly Script[] = [
  { what: "ends it at once", serve: (socket) => socket.end(), says: /closed the connection/ },
  { what: "resets it at once", serve: (socket) => socket.resetAndDestroy(), says: /ECONNRESET|closed/ },
  { what: "is silent", serve: () => {}, says: /did not answer within 300 ms/ },
  {
    what: "ends in its first line",
    serve: (socket) => socket.end("INFO {"),
    says: /closed the connection/,
  },
  {
    what: "speaks HTTP",
    serve: (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"),
    says: /does not speak the protocol of NATS/,
  },
  {
    what: "never ends its first line",
    serve: (socket) => socket.write("INFO ".padEnd(300_000, "x")),
    says: /does not speak the protocol of NATS/,
  },
  {
    what: "takes no headers",
    serve: (socket) => socket.write(infoLine({ headers: false })),
    says: /takes no headers/,
  },
  {
    what: "asks for TLS",
    serve: (socket) => socket.write(infoLine({ tls_required: true })),
    says: /asks for TLS: set tls/,
  },
  {
    what: "is silent after its first line",
    serve: (socket) => socket.write(infoLine()),
    says: /did not answer within 300 ms/,
  },
  {
    what: "ends after its first line",
    serve: (socket) => {
      socket.write(infoLine());
      afterBytes(socket, () => socket.end());
    },
    says: /closed the connection/,
  },
  {
    what: "resets it after its first line",
    serve: (socket) => {
      socket.write(infoLine());
      afterBytes(socket, () => socket.resetAndDestroy());
    },
    says: /ECONNRESET|closed/,
  },
  {
    what: "refuses the login",
    serve: (socket) => {
      socket.write(infoLine());
      afterBytes(socket, () => socket.end("-ERR 'Authorization Violation'\r\n"));
    },
    says: /does not let this user in/,
  },
  {
    what: "has no place left",
    serve: (socket) => {
      socket.write(infoLine());
      afterBytes(socket, () => socket.end("-ERR 'maximum connections exceeded'\r\n"));
    },
    says: /closed the connection: "maximum connections exceeded"|closed the connection/,
  },
  {
    what: "resets it once it has let the gateway in",
    serve: (socket) => {
      socket.write(infoLine());
      afterBytes(socket, () => {
        socket.write("PONG\r\n");
        afterBytes(socket, () => socket.resetAndDestroy());
      });
    },
    says: /ECONNRESET|closed/,
  },
  {
    what: "does not let the gateway listen for answers",
    serve: (socket) => {
      socket.write(infoLine());
      afterBytes(socket, () => {
        socket.write("PONG\r\n");
        const refusal = `-ERR 'Permissions Violation for Subscription to "_INBOX.1.*"'\r\nPONG\r\n`;
        afterBytes(socket, () => socket.write(refusal));
      });
    },
    says: /does not permit the user to subscribe to "_INBOX\.1\.\*"/,
  },
  {
    what: "talks nonsense later",
    serve: (socket) => {
      socket.write(infoLine());
      afterBytes(socket, () => {
        socket.write("PONG\r\n");
        afterBytes(socket, () => socket.write("WHAT?\r\n"));
      });
    },
    says: /does not speak the protocol of NATS/,
  },
];

/** Serves every connection by a script, while an action runs. */
async function withServer(
  serve: (socket: Socket) => void,
  action: (port: number) => Promise<void>,
): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}).on("close", () => sockets.delete(socket)));
    serve(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    await action((server.address() as AddressInfo).port);
  } finally {
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  }
}

Deno.test("nats says what is wrong however a server breaks off, and no error of a socket goes astray", async () => {
  for (const { what, serve, says } of SCRIPTS) {
    await withServer(serve, async (port) => {
      await using output = await OpenOutput.open(natsModule, { servers: `127.0.0.1:${port}`, timeout: 0.3 });
      const [result] = await output.deliver([verifiedEvent()], CONFIG);
      assertEquals(result instanceof DeliveryError, true, what);
      assertMatch((result as DeliveryError).message, says, what);
      assertEquals((result as DeliveryError).disposition, "retry", what);
    });
  }
});

Deno.test("nats delivers nothing on a confirmation that no stream gives, whatever is answered", async () => {
  const answers = [
    "",
    "+OK",
    "null",
    "[]",
    '{"stream":""}',
    '{"stream":"S"}',
    '{"seq":1}',
    '{"error":{}}',
    "\0".repeat(99),
  ];
  for (const answer of answers) {
    const serve = (socket: Socket) => {
      socket.write(infoLine());
      socket.on("data", (chunk) => {
        const text = chunk.toString();
        if (text.includes("PING")) socket.write("PONG\r\n");
        const [, reply] = /HPUB \S+ (\S+) /.exec(text) ?? [];
        if (reply === undefined) return;
        // Those that it never gave out, first.
        socket.write(`MSG ${reply}0 1 2\r\n{}\r\nMSG ${reply.slice(0, -1)}- 1 2\r\n{}\r\n`);
        socket.write(`MSG ${reply} 1 ${answer.length}\r\n${answer}\r\n`);
      });
    };
    await withServer(serve, async (port) => {
      await using output = await OpenOutput.open(natsModule, { servers: `127.0.0.1:${port}` });
      assertEquals(await output.attempt(verifiedEvent(), CONFIG), "output_failed", answer);
    });
  }
});
