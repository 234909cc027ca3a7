/** `npm run test:interop`: the suite against other people's software (DCMTK, Orthanc, dicom3tools …). */
export default { extensions: ['ts'], files: ['test/interop/**/*.test.ts'], timeout: '5m', concurrency: 1 };
