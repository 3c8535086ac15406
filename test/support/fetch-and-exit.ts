// Fetches each URL that it is given, says with which status, and leaves.
for (const url of process.argv.slice(2)) console.log((await fetch(url)).status);
