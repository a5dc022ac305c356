import type { Socket } from "node:net";

/**
 * Returns the socket once it is ready to be written to. It is destroyed if it does not get there.
 *
 * @param event what the socket emits when it is ready: `connect`, or `secureConnect` of one with TLS
 * @throws {Error} with a `code` when it fails or closes first
 * @throws whatever the signal's reason is, when it aborts first
 */
export async function readySocket(
  socket: Socket,
  event: "connect" | "secureConnect",
  signal: AbortSignal,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const onAbort = () => reject(signal.reason);
  const onClose = () => reject(Object.assign(new Error("socket hang up"), { code: "ECONNRESET" }));
  // It stays: a failure between here and whoever uses the socket next closes it, and ends nothing else.
  socket.on("error", reject);
  socket.on("close", onClose);
  socket.once(event, () => resolve(socket));
  signal.addEventListener("abort", onAbort);
  if (signal.aborted) onAbort();
  try {
    return await promise;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    socket.off("close", onClose);
    signal.removeEventListener("abort", onAbort);
  }
}
