#include "morph/ir/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <type_traits>
#include <utility>

#include "morph/base/error.h"
#include "morph/base/strings.h"
#include "morph/ir/text_tokens.h"

namespace morph {
namespace {

constexpr std::string_view kVersion = "1";

std::string printed_name(std::string_view name) {
  return is_bare_name(name) ? std::string(name) : quoted(name);
}

std::string default_tensor(const std::string& node, const std::string& slot) {
  return node + "." + slot;
}

std::string printed_number(int64_t value) { return std::to_string(value); }

std::string printed_number(double value) {
  std::array<char, 32> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  std::string digits(buffer.data(), result.ptr);
  const bool whole = digits.find_first_not_of("-0123456789") == std::string::npos;
  return whole ? digits + ".0" : digits;
}

template <typename T>
std::string printed_list(const std::vector<T>& values) {
  if (values.size() == 1) return printed_number(values.front());
  if (values.empty() && std::is_same_v<T, double>) return "[.]";
  std::string text = "[";
  for (size_t i = 0; i < values.size(); ++i)
    text += (i == 0 ? "" : ", ") + printed_number(values[i]);
  return text + "]";
}

std::string printed_attr(const Attr& attr) {
  if (const auto* text = std::get_if<std::string>(&attr)) return quoted(*text);
  if (const auto* ints = std::get_if<std::vector<int64_t>>(&attr)) return printed_list(*ints);
  return printed_list(std::get<std::vector<double>>(attr));
}

std::string printed_node(const Graph& graph, const Node& node) {
  std::string text = cat(printed_name(node.name), " = ", printed_name(node.op), "(");
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    text += (i == 0 ? "" : ", ") + printed_name(graph[node.inputs[i]].name);
  }
  const char* separator = "; ";
  for (const auto& [slot, param] : node.params) {
    text += cat(std::exchange(separator, ", "), printed_name(slot), "=", format_shape(param.shape));
    if (param.tensor != default_tensor(node.name, slot)) text += " @ " + printed_name(param.tensor);
  }
  text += ")";
  for (const auto& [key, attr] : node.attrs)
    text += cat(" ", printed_name(key), "=", printed_attr(attr));
  if (!node.shape.empty()) text += " -> " + format_shape(node.shape);
  return text;
}

/// Recursive descent without recursion: the grammar nests no deeper than a list.
class Parser {
 public:
  explicit Parser(std::string_view text) : tokens_(text) {}

  Graph parse() {
    skip_newlines();
    parse_version();
    Graph graph(parse_network_name());
    while (!tokens_.peek().is_word("return")) {
      if (tokens_.peek().kind == Token::Kind::kEnd) tokens_.fail_expected("a node or 'return'");
      parse_node(graph);
      end_line();
    }
    parse_return(graph);
    return graph;
  }

 private:
  void skip_newlines() {
    while (tokens_.peek().kind == Token::Kind::kNewline) tokens_.take();
  }

  void end_line() {
    if (tokens_.peek().kind != Token::Kind::kEnd && tokens_.peek().kind != Token::Kind::kNewline) {
      tokens_.fail_expected("the end of the line");
    }
    skip_newlines();
  }

  bool take_mark(std::string_view mark) {
    if (!tokens_.peek().is_mark(mark)) return false;
    tokens_.take();
    return true;
  }

  void expect_mark(std::string_view mark) {
    if (!take_mark(mark)) tokens_.fail_expected(cat("'", mark, "'"));
  }

  void expect_word(std::string_view word, std::string_view what) {
    if (!tokens_.peek().is_word(word)) tokens_.fail_expected(what);
    tokens_.take();
  }

  std::string parse_name(std::string_view what) {
    const Token& token = tokens_.peek();
    const bool is_name = token.kind == Token::Kind::kString ||
                         (token.kind == Token::Kind::kWord && !is_reserved_word(token.text));
    if (!is_name) tokens_.fail_expected(what);
    return tokens_.take().text;
  }

  void parse_version() {
    expect_word("morph", "'morph 1', the version line of a network in text form");
    const Token version = tokens_.peek();
    if (!version.is_word(kVersion)) {
      tokens_.fail(version.offset,
                   cat("this program reads version ",
                       kVersion,
                       " of the text form, found ",
                       version.description()));
    }
    tokens_.take();
    end_line();
  }

  std::string parse_network_name() {
    expect_word("network", "'network' and its name");
    std::string name = parse_name("the network's name");
    end_line();
    return name;
  }

  void parse_node(Graph& graph) {
    const size_t start = tokens_.peek().offset;
    Node node = {.name = parse_name("a node's name or 'return'")};
    if (graph.find(node.name)) {
      tokens_.fail(start, cat("a node called ", quoted(node.name), " is already there"));
    }
    expect_mark("=");
    node.op = parse_name("an op");
    expect_mark("(");
    if (!tokens_.peek().is_mark(";") && !tokens_.peek().is_mark(")")) {
      node.inputs = parse_values(graph);
    }
    if (take_mark(";")) parse_params(node);
    if (!take_mark(")"))
      tokens_.fail_expected(node.params.empty() ? "',', ';' or ')'" : "',' or ')'");
    parse_attrs(node);
    if (take_mark("->")) node.shape = parse_shape();
    graph.add(std::move(node));
  }

  std::vector<NodeId> parse_values(const Graph& graph) {
    std::vector<NodeId> values;
    do {
      const size_t start = tokens_.peek().offset;
      const std::string name = parse_name("the name of a value");
      const std::optional<NodeId> id = graph.find(name);
      if (!id) tokens_.fail(start, unknown_value(graph, name));
      values.push_back(*id);
    } while (take_mark(","));
    return values;
  }

  static std::string unknown_value(const Graph& graph, const std::string& name) {
    constexpr size_t kLongest = 100;  // Edit distances to longer names cost too much.
    std::vector<std::string> known;
    for (const Node& node : graph.nodes()) {
      if (node.name.size() <= kLongest) known.push_back(node.name);
    }
    return cat("no node called ",
               quoted(name.substr(0, kLongest)),
               " comes before this place.",
               name.size() <= kLongest ? did_you_mean(name, known) : "");
  }

  void parse_params(Node& node) {
    do {
      const size_t start = tokens_.peek().offset;
      const std::string slot = parse_name("the name of a param");
      expect_mark("=");
      Param param = {.tensor = default_tensor(node.name, slot), .shape = parse_shape()};
      if (take_mark("@")) param.tensor = parse_name("the name of a tensor");
      if (!node.params.emplace(slot, std::move(param)).second) {
        tokens_.fail(start, cat("the param ", quoted(slot), " is given twice"));
      }
    } while (take_mark(","));
  }

  void parse_attrs(Node& node) {
    while (tokens_.peek().kind == Token::Kind::kWord ||
           tokens_.peek().kind == Token::Kind::kString) {
      const size_t start = tokens_.peek().offset;
      const std::string key = parse_name("the name of an attribute");
      expect_mark("=");
      if (!node.attrs.emplace(key, parse_attr()).second) {
        tokens_.fail(start, cat("the attribute ", quoted(key), " is given twice"));
      }
    }
  }

  Attr parse_attr() {
    const Token& token = tokens_.peek();
    if (token.kind == Token::Kind::kString) return tokens_.take().text;
    if (token.kind == Token::Kind::kWord) return numbers({tokens_.take()});
    if (!token.is_mark("[")) tokens_.fail_expected("a number, a list of numbers or a quoted text");
    const std::vector<Token> words = parse_list("a number");
    if (words.size() == 1 && words.front().text == ".") return std::vector<double>();
    return numbers(words);
  }

  /// The words between brackets.
  std::vector<Token> parse_list(std::string_view what) {
    std::vector<Token> words;
    expect_mark("[");
    if (take_mark("]")) return words;
    do {
      if (tokens_.peek().kind != Token::Kind::kWord) tokens_.fail_expected(what);
      words.push_back(tokens_.take());
    } while (take_mark(","));
    expect_mark("]");
    return words;
  }

  Shape parse_shape() { return numbers_of<int64_t>(parse_list("an integer")); }

  Attr numbers(const std::vector<Token>& words) const {
    if (std::all_of(words.begin(), words.end(), is_integer)) return numbers_of<int64_t>(words);
    return numbers_of<double>(words);
  }

  template <typename T>
  std::vector<T> numbers_of(const std::vector<Token>& words) const {
    std::vector<T> values;
    values.reserve(words.size());
    for (const Token& word : words) values.push_back(number<T>(word));
    return values;
  }

  static bool is_integer(const Token& word) {
    return word.text.find_first_not_of("0123456789", word.text[0] == '-' ? 1 : 0) ==
           std::string::npos;
  }

  template <typename T>
  T number(const Token& word) const {
    T value{};
    const char* const end = word.text.data() + word.text.size();
    const auto [stop, error] = std::from_chars(word.text.data(), end, value);
    if (error == std::errc::result_out_of_range) {
      tokens_.fail(word.offset, cat("the number ", word.description(), " is out of range"));
    }
    if (error != std::errc() || stop != end) {
      tokens_.fail(word.offset,
                   cat("expected ",
                       std::is_same_v<T, int64_t> ? "an integer" : "a number",
                       ", found ",
                       word.description()));
    }
    return value;
  }

  void parse_return(Graph& graph) {
    tokens_.take();
    const Token::Kind kind = tokens_.peek().kind;
    if (kind == Token::Kind::kWord || kind == Token::Kind::kString) {
      graph.set_outputs(parse_values(graph));
    }
    end_line();
    if (tokens_.peek().kind != Token::Kind::kEnd) {
      tokens_.fail_expected("nothing after the line of 'return'");
    }
  }

  TokenReader tokens_;
};

}  // namespace

std::string print_graph(const Graph& graph) {
  std::string text = cat("morph ", kVersion, "\nnetwork ", quoted(graph.name()), "\n");
  for (const Node& node : graph.nodes()) text += printed_node(graph, node) + "\n";
  text += "return";
  const char* separator = " ";
  for (const NodeId id : graph.outputs()) {
    text += std::exchange(separator, ", ") + printed_name(graph[id].name);
  }
  return text + "\n";
}

Graph parse_graph(std::string_view text) { return Parser(text).parse(); }

std::string print_dot(const Graph& graph) {
  std::string text =
      cat("digraph ", quoted(graph.name()), " {\n  node [shape=box, fontname=\"sans-serif\"];\n");
  std::vector<bool> is_output(graph.nodes().size());
  for (const NodeId id : graph.outputs()) is_output[index(id)] = true;
  for (const NodeId id : graph.ids()) {
    const Node& node = graph[id];
    std::string label = cat(node.name, "\n", node.op);
    if (!node.shape.empty()) label += "\n" + format_shape(node.shape);
    text += cat("  n", index(id), " [label=", quoted(label));
    text += is_output[index(id)] ? ", peripheries=2];\n" : "];\n";
    for (const NodeId input : node.inputs)
      text += cat("  n", index(input), " -> n", index(id), ";\n");
  }
  return text + "}\n";
}

}  // namespace morph
