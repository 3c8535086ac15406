// Calls a target six times with grpc-js, which it imports: it has not heard of evenkeel.
const [name, target] = process.argv.slice(2);
const { Client, credentials } = await import(name);

const client = new Client(target, credentials.createInsecure());
const bytes = (value) => value;
const call = () =>
  new Promise((resolve, reject) => {
    client.makeUnaryRequest('/test.Echo/Unary', bytes, bytes, Buffer.alloc(0), (error) =>
      error ? reject(error) : resolve(),
    );
  });

for (let n = 0; n < 6; n++) await call();
console.log('answered');
