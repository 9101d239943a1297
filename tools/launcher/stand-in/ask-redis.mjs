import { connect } from 'node:net';

/** One inline command, and the answer as it is on the wire. @param {number} port @param {string} password @param {string} command @returns {Promise<string>} */
export const askRedis = (port, password, command) =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`AUTH ${password}\r\n${command}\r\nQUIT\r\n`));
    let heard = '';
    socket.setEncoding('utf8').on('data', (text) => (heard += text));
    socket.on('error', reject);
    // +OK for AUTH, what was asked for, +OK for QUIT
    socket.on('close', () => resolve(heard.replace(/^\+OK\r\n/, '').replace(/\+OK\r\n$/, '')));
  });
