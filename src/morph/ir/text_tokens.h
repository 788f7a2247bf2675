#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace morph {

/// The reserved words of the text form of a graph; a name equal to one of them is written in
/// quotes.
bool is_reserved_word(std::string_view word);

/// Whether `name` may stand in the text form without quotes.
bool is_bare_name(std::string_view name);

/// `text` in double quotes with JSON's escapes; bytes from 0x80 up stay as they are.
std::string quoted(std::string_view text);

/// One piece of the text form of a graph.
struct Token {
  enum class Kind { kWord, kString, kMark, kNewline, kEnd };

  Kind kind = Kind::kEnd;
  std::string text = {};  ///< A string without quotes and escapes; else as it is written.
  size_t offset = 0;      ///< Of its first byte.

  bool is_mark(std::string_view mark) const { return kind == Kind::kMark && text == mark; }
  bool is_word(std::string_view word) const { return kind == Kind::kWord && text == word; }

  /// The token for messages: "'->'", "the end of the line".
  std::string description() const;
};

/// Cuts the text form of a graph into tokens. Blanks and comments vanish; so do line ends inside of
/// parentheses and brackets.
class TokenReader {
 public:
  /// Keeps a view of `text`. Throws Error if the first token is malformed.
  explicit TokenReader(std::string_view text) : text_(text) { advance(); }

  const Token& peek() const { return token_; }

  /// Returns the current token and goes on to the next. Throws Error if that one is malformed.
  Token take();

  /// Throws Error: "line 4, column 12: " and the message.
  [[noreturn]] void fail(size_t offset, std::string_view message) const;

  /// Throws Error: "line 4, column 12: expected <what>, found '->'", at the current token.
  [[noreturn]] void fail_expected(std::string_view what) const;

 private:
  void advance();
  void skip_blanks();
  void read_mark();
  void read_word();
  void read_string();
  void read_escape();
  unsigned read_hex4();

  std::string_view text_;
  size_t next_ = 0;
  int nesting_ = 0;
  Token token_;
};

}  // namespace morph
