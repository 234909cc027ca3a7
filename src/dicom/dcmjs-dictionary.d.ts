/** The dictionary of dcmjs as it is published: no types come with it. */
declare module 'dcmjs/dictionary' {
  const dictionary: Readonly<
    Record<
      string,
      {
        readonly tag: string;
        readonly vr: string;
        readonly name?: string;
        readonly vm: string;
        readonly version?: string;
      }
    >
  >;
  // biome-ignore lint/style/noDefaultExport: that is what the package exports.
  export default dictionary;
}
