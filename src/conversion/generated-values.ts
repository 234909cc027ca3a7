/** What was made up here because the source does not say it: to be logged, and said in the instances. */
export class GeneratedValues {
  readonly #generated = new Set<string>();
  readonly #notes = new Set<string>();

  /** The source's value, or else the one made here, which is then noted under its keyword. */
  or<Value>(keyword: string, value: Value | undefined, make: () => Value): Value {
    if (value !== undefined) return value;
    this.#generated.add(keyword);
    return make();
  }

  /** Something assumed that is no value of its own: a sentence without its full stop. No patient data. */
  note(sentence: string): void {
    this.#notes.add(sentence);
  }

  get keywords(): readonly string[] {
    return [...this.#generated];
  }

  /** For Contribution Description. */
  get sentences(): readonly string[] {
    const generated = this.keywords;
    return [...(generated.length > 0 ? [`Generated: ${generated.join(', ')}`] : []), ...this.#notes];
  }
}
