/** What the page uses of htm. */

declare const htm: {
  bind<Result>(
    create: (type: unknown, props: unknown, ...children: unknown[]) => Result,
  ): (texts: TemplateStringsArray, ...values: unknown[]) => Result;
};
export default htm;
