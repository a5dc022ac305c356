import { TempDir } from "../temp_dir.ts";

/** A certificate authority and what it has issued, made by `openssl` for one test. */
export class TestCertificates implements AsyncDisposable {
  readonly #directory: TempDir;

  private constructor(directory: TempDir) {
    this.#directory = directory;
  }

  static async create(): Promise<TestCertificates> {
    const certificates = new TestCertificates(await TempDir.create());
    await certificates.#makeAuthority();
    return certificates;
  }

  /** The path of the authority's certificate, or of a bundle while authorities change. */
  get ca(): string {
    return this.#directory.file("ca.crt");
  }

  certificateOf(name: string): string {
    return this.#directory.file(`${name}.crt`);
  }

  keyOf(name: string): string {
    return this.#directory.file(`${name}.key`);
  }

  /** @param names `DNS:localhost` or `IP:127.0.0.1` */
  async issue(name: string, names: string): Promise<void> {
    await this.#directory.writeText(
      `${name}.ext`,
      `subjectAltName=${names}\nextendedKeyUsage=serverAuth,clientAuth\n`,
    );
    await this.#openssl(
      "req",
      ...NEW_KEY,
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.csr`,
      "-subj",
      `/CN=${name}`,
    );
    await this.#openssl(
      ...["x509", "-req", "-in", `${name}.csr`, "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"],
      ...["-days", "2", "-extfile", `${name}.ext`, "-out", `${name}.crt`],
    );
  }

  /** Makes another authority, which issues from now on. `ca` has both until the former one is dropped. */
  async changeAuthority(): Promise<void> {
    const former = await Deno.readTextFile(this.ca);
    await this.#makeAuthority();
    // OpenSSL issues in the name of the first certificate of the file.
    await Deno.writeTextFile(this.ca, former, { append: true });
  }

  /** Takes the authority before the last change out of `ca`. */
  async dropFormerAuthority(): Promise<void> {
    const [current = ""] = (await Deno.readTextFile(this.ca)).split(/(?<=-----END CERTIFICATE-----\n)/);
    await Deno.writeTextFile(this.ca, current);
  }

  /** What `etcdctl` is told to identify itself with. */
  clientArguments(name: string): string[] {
    return ["--cert", this.certificateOf(name), "--key", this.keyOf(name)];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#directory[Symbol.asyncDispose]();
  }

  async #makeAuthority(): Promise<void> {
    await this.#openssl(
      ...["req", "-x509", ...NEW_KEY, "-days", "2", "-subj", "/CN=ca"],
      ...["-keyout", "ca.key", "-out", "ca.crt"],
    );
  }

  async #openssl(...args: string[]): Promise<void> {
    const { success, stderr } = await new Deno.Command("openssl", { args, cwd: this.#directory.path })
      .output();
    if (!success) throw new Error(`openssl ${args.join(" ")} failed: ${new TextDecoder().decode(stderr)}`);
  }
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"] as const;
