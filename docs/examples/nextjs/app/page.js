export const dynamic = 'force-dynamic';

export default async function Page() {
  const response = await fetch('http://orders.prod:8080/', { cache: 'no-store' });
  return <p>{await response.text()}</p>;
}
