// The conversations whose greedy answers the engine is held against.

const user = (content) => ({role: "user", content});
const assistant = (content) => ({role: "assistant", content});
const system = (content) => ({role: "system", content});

export const conversations = [
    [user("Write a function in Rust that returns the n-th Fibonacci number, with a test.")],
    [user("Write a Python class for a bank account with deposit and withdraw, and explain each method.")],
    [user("Explain what a hash table is and why lookups are fast. Use a few paragraphs.")],
    [user("Mitä eroa on pinolla ja jonolla? Selitä ja anna esimerkki Pythonilla.")],
    [user("Kirjoita JavaScript-funktio, joka laskee listan keskiarvon, ja selitä se rivi riviltä.")],
    [
        system("You are a terse senior reviewer. You answer with a numbered list of at least six items."),
        user("What should I look at when I review a pull request that adds a cache?"),
    ],
    [
        user("I have a list of words in Python. How do I count how often each one occurs?"),
        assistant("Use `collections.Counter`:\n\n```python\nfrom collections import Counter\n\ncounts = Counter(words)\n```"),
        user("Now show the ten most common ones as a table, ignoring case, and write a test for it."),
    ],
    [user("Make an HTML page with a button that counts clicks. Put the CSS and the JavaScript into the same file.")],
    [user("Write a short story about a lighthouse keeper who finds a message in a bottle.")],
    [user("Write SQL that creates tables for books, authors and loans, with foreign keys, and three example queries.")],
    [user("Describe step by step how TCP opens and closes a connection.")],
    [user("Write a bash script that backs up a folder every night, keeps the last seven copies and logs errors.")],
];
