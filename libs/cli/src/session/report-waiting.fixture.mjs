// Loaded into a process before anything else: writes the file WAITS_FILE when the process finds that another holds a lock.
import fs from 'node:fs';

const { mkdir } = fs;
fs.mkdir = (path, ...rest) => {
  const done = rest.pop();
  mkdir(path, ...rest, (error, ...made) => {
    if (error?.code === 'EEXIST' && String(path).endsWith('.lock')) fs.writeFileSync(process.env.WAITS_FILE, '');
    done(error, ...made);
  });
};
