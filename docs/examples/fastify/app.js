import { install } from 'evenkeel';
import Fastify from 'fastify';

const agent = install();

const app = Fastify();

app.get('/checkout', async () => {
  const answer = await fetch('http://orders.prod:8080/');
  return answer.text();
});

// Shows how many requests each pod gets, and why a pod gets none.
app.get('/internal/stats', async () => agent.stats);

await app.listen({ port: Number(process.env.PORT ?? 3000) });
console.log(`checkout listens on port ${app.server.address().port}`);
process.once('SIGTERM', () => app.close());
