/** Step module that lets a test listen to the steps of its own thread; in others it does nothing. */
let listener: (name: string) => void = () => {};

export function step(name: string): void {
  listener(name);
}

export function listenToSteps(listen: (name: string) => void): void {
  listener = listen;
}
