// This client calls orders 20 times a second. Every five seconds, it prints how many answers it got from each server.
const { ORDERS_URL = 'http://orders:8080/' } = process.env;
const answers = new Map();

async function call() {
  try {
    const response = await fetch(ORDERS_URL);
    const name = (await response.text()).trim();
    answers.set(name, (answers.get(name) ?? 0) + 1);
  } catch (error) {
    console.error(error);
  }
}

const calls = setInterval(call, 50);
const lines = setInterval(() => {
  console.log(Object.fromEntries([...answers].sort()));
  answers.clear();
}, 5000);

process.once('SIGTERM', () => {
  clearInterval(calls);
  clearInterval(lines);
});
