/**
 * Says to systemd how a service is doing (`sd_notify(3)`), so that `systemctl start` waits until it is ready.
 *
 * @module
 */

/** What a service of `Type=notify` says. */
export type ServiceState = "READY=1" | "STOPPING=1";

/**
 * Sends a state to the service manager.
 *
 * @param address the variable `NOTIFY_SOCKET`; without it nobody wants to know
 * @throws {Error} when nobody takes it there
 */
export async function notifyServiceManager(address: string | undefined, state: ServiceState): Promise<void> {
  if (address === undefined) return;
  // A socket without a name of its own: the system gives it an abstract one, and no file is made.
  const socket = Deno.listenDatagram({ transport: "unixpacket", path: "" });
  try {
    const path = address.replace(/^@/, "\0");
    await socket.send(new TextEncoder().encode(state), { transport: "unixpacket", path });
  } finally {
    socket.close();
  }
}
