import { install } from 'evenkeel';
import Fastify from 'fastify';

const agent = install();

const app = Fastify();

app.get('/checkout', async () => {
  const answer = await fetch('http://orders.prod:8080/');
  return answer.text();
});

// For a look from outside: who gets what, and why.
app.get('/internal/stats', async () => agent.stats);

await app.listen({ port: Number(process.env.PORT ?? 3000) });
console.log(`checkout listens on port ${app.server.address().port}`);
process.once('SIGTERM', () => app.close());
