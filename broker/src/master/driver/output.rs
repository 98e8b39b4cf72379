//! Bytes into lines.

/// A longer line is cut in pieces of this length: one child must not fill the master's memory.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// Collects what a child writes until a line is whole.
#[derive(Debug, Default)]
pub(super) struct Framer {
    begun: Vec<u8>,
}

impl Framer {
    /// Takes in some bytes, and gives the lines that are whole by them.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        while !bytes.is_empty() {
            let room = LINE_BYTES_MAX - self.begun.len();
            let window = &bytes[..bytes.len().min(room)];
            let (taken, whole) = match window.iter().position(|&byte| byte == b'\n') {
                Some(end) => (end, Some(end + 1)),
                None if window.len() == room => (room, Some(room)),
                None => (window.len(), None),
            };
            self.begun.extend_from_slice(&window[..taken]);
            bytes = &bytes[whole.unwrap_or(taken)..];
            if whole.is_some() {
                lines.push(self.take());
            }
        }
        lines
    }

    /// What was begun and not ended, if anything.
    pub(super) fn finish(&mut self) -> Option<String> {
        (!self.begun.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> String {
        let line = std::mem::take(&mut self.begun);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        String::from_utf8_lossy(line).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_however_they_arrive() {
        let mut framer = Framer::default();
        assert_eq!(framer.push(b"on"), Vec::<String>::new());
        assert_eq!(framer.push(b"e\ntwo\r\n\nthr"), ["one", "two", ""]);
        assert_eq!(framer.finish().as_deref(), Some("thr"));
        assert_eq!(framer.finish(), None);
    }

    #[test]
    fn a_line_without_an_end_is_cut() {
        let mut framer = Framer::default();
        let lines = framer.push(&vec![b'x'; 2 * LINE_BYTES_MAX + 5]);
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| line.len() == LINE_BYTES_MAX));
        assert_eq!(framer.finish().as_deref(), Some("xxxxx"));
    }
}
