// Stands for `spillway provision`: fails when a test wants it to.
if (process.env.STAND_IN_PROVISIONING_FAILS) {
  console.error('the server reserves the sum of all streams: 9 GiB are wanted');
  process.exitCode = 1;
}
