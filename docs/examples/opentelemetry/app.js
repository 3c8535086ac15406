for (let count = 0; count < 100; count++) {
  const response = await fetch('http://orders.prod:8080/');
  await response.text();
}
console.log('100 requests sent');
