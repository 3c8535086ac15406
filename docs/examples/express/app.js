import { install } from 'evenkeel';
import express from 'express';

install();

const app = express();

app.get('/checkout', async (_request, response) => {
  const answer = await fetch('http://orders.prod:8080/');
  response.send(await answer.text());
});

const server = app.listen(Number(process.env.PORT ?? 3000), () => {
  console.log(`checkout listens on port ${server.address().port}`);
});
process.once('SIGTERM', () => server.close());
