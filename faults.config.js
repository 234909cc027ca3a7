/** `npm run test:faults`: kills, full disks, dead peers. Whole by hand or nightly; 50 seeded kills in CI. */
export default { extensions: ['ts'], files: ['test/faults/**/*.test.ts'], timeout: '10m', concurrency: 1 };
