// Calls a target six times with grpc-js, which it requires: it has not heard of evenkeel.
const [name, target] = process.argv.slice(2);
const { Client, credentials } = require(name);

const client = new Client(target, credentials.createInsecure());
const bytes = (value) => value;
let left = 6;

function call() {
  if (left-- === 0) {
    console.log('answered');
    return;
  }
  client.makeUnaryRequest('/test.Echo/Unary', bytes, bytes, Buffer.alloc(0), (error) => {
    if (error) console.log(error.message);
    else call();
  });
}

call();
