#include "morph/ir/text_tokens.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "morph/base/error.h"

namespace morph {
namespace {

constexpr std::string_view kMarks = "()[],;=@";
constexpr std::string_view kPlainEscapes = "\"\\/bfnrt";
constexpr std::string_view kEscapedBytes = "\"\\/\b\f\n\r\t";

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_./:+-").find(c) != std::string_view::npos;
}

std::string utf8(unsigned code) {
  const auto byte = [](unsigned value) { return static_cast<char>(value); };
  const auto tail = [&](unsigned shift) { return byte(0x80U | ((code >> shift) & 0x3FU)); };
  if (code < 0x80) return {byte(code)};
  if (code < 0x800) return {byte(0xC0U | (code >> 6U)), tail(0)};
  if (code < 0x10000) return {byte(0xE0U | (code >> 12U)), tail(6), tail(0)};
  return {byte(0xF0U | (code >> 18U)), tail(12), tail(6), tail(0)};
}

}  // namespace

bool is_reserved_word(std::string_view word) {
  return word == "morph" || word == "network" || word == "return";
}

bool is_bare_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), is_word_byte) &&
         !is_reserved_word(name);
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const size_t plain = kEscapedBytes.find(c);
    if (c != '/' && plain != std::string_view::npos) {
      out += {'\\', kPlainEscapes[plain]};
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      std::array<char, 8> buffer{};
      std::snprintf(buffer.data(), buffer.size(), "\\u%04x", static_cast<unsigned>(c));
      out += buffer.data();
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string Token::description() const {
  constexpr size_t kLongest = 40;
  switch (kind) {
    case Kind::kNewline:
      return "the end of the line";
    case Kind::kEnd:
      return "the end of the text";
    case Kind::kString:
      return quoted(text.substr(0, kLongest)) + (text.size() > kLongest ? "…" : "");
    default:
      return "'" + text.substr(0, kLongest) + (text.size() > kLongest ? "…'" : "'");
  }
}

Token TokenReader::take() {
  Token taken = std::move(token_);
  advance();
  return taken;
}

void TokenReader::fail(size_t offset, std::string_view message) const {
  const std::string_view before = text_.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0.
  const auto column = 1 + std::count_if(before.begin() + static_cast<std::ptrdiff_t>(line_start),
                                        before.end(),
                                        [](char c) { return (c & 0xC0) != 0x80; });
  throw Error(cat("line ", line, ", column ", column, ": ", message));
}

void TokenReader::fail_expected(std::string_view what) const {
  fail(token_.offset, cat("expected ", what, ", found ", token_.description()));
}

void TokenReader::advance() {
  skip_blanks();
  token_ = {.kind = Token::Kind::kEnd, .text = "", .offset = next_};
  if (next_ == text_.size()) return;
  const char c = text_[next_];
  if (c == '\n') {
    token_.kind = Token::Kind::kNewline;
    ++next_;
  } else if (c == '"') {
    read_string();
  } else if (kMarks.find(c) != std::string_view::npos || text_.substr(next_, 2) == "->") {
    read_mark();
  } else if (is_word_byte(c)) {
    read_word();
  } else {
    fail(next_, cat("unexpected character ", quoted(text_.substr(next_, 1))));
  }
}

void TokenReader::skip_blanks() {
  while (next_ < text_.size()) {
    const char c = text_[next_];
    if (c == '#') {
      next_ = std::min(text_.find('\n', next_), text_.size());
    } else if (c == ' ' || c == '\t' || c == '\r' || (c == '\n' && nesting_ > 0)) {
      ++next_;
    } else {
      return;
    }
  }
}

void TokenReader::read_mark() {
  token_.kind = Token::Kind::kMark;
  token_.text = text_.substr(next_, text_[next_] == '-' ? 2 : 1);
  next_ += token_.text.size();
  if (token_.text == "(" || token_.text == "[") ++nesting_;
  if (token_.text == ")" || token_.text == "]") nesting_ = std::max(0, nesting_ - 1);
}

void TokenReader::read_word() {
  token_.kind = Token::Kind::kWord;
  while (next_ < text_.size() && is_word_byte(text_[next_]) && text_.substr(next_, 2) != "->") {
    token_.text += text_[next_++];
  }
}

void TokenReader::read_string() {
  token_.kind = Token::Kind::kString;
  for (++next_; next_ < text_.size() && text_[next_] != '"';) {
    const char c = text_[next_];
    if (c == '\n') break;
    if (c == '\\') {
      read_escape();
    } else {
      token_.text += c;
      ++next_;
    }
  }
  if (next_ == text_.size() || text_[next_] != '"') {
    fail(token_.offset, "the quoted text that begins here does not end on its line");
  }
  ++next_;
}

void TokenReader::read_escape() {
  const size_t start = next_++;
  const char c = next_ < text_.size() ? text_[next_] : '\0';
  const size_t plain = kPlainEscapes.find(c);
  if (plain != std::string_view::npos) {
    token_.text += kEscapedBytes[plain];
    ++next_;
    return;
  }
  if (c != 'u') fail(start, "unknown escape; known are \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
  unsigned code = read_hex4();
  if (code >= 0xD800 && code < 0xDC00 && text_.substr(next_, 2) == "\\u") {
    ++next_;
    const unsigned low = read_hex4();
    if (low < 0xDC00 || low > 0xDFFF) fail(start, "half of a surrogate pair");
    code = 0x10000U + ((code - 0xD800U) << 10U) + (low - 0xDC00U);
  }
  if (code >= 0xD800 && code < 0xE000) fail(start, "half of a surrogate pair");
  token_.text += utf8(code);
}

unsigned TokenReader::read_hex4() {
  const std::string_view digits = text_.substr(next_ + 1, 4);
  unsigned code = 0;
  for (const char c : digits) {
    const size_t digit = std::string_view("0123456789abcdefABCDEF").find(c);
    if (digit == std::string_view::npos) fail(next_, "expected four hexadecimal digits after \\u");
    code = code * 16 + static_cast<unsigned>(digit < 16 ? digit : digit - 6);
  }
  if (digits.size() < 4) fail(next_, "expected four hexadecimal digits after \\u");
  next_ += 5;
  return code;
}

}  // namespace morph
